//! Scripts run from end to end with a few small verbs.
