//! Every finding provoked, one by one.
