//! IEEE-754 binary32 and binary64 in integers.
