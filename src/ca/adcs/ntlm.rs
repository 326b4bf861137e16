//! NTLM.
