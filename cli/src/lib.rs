//! `terrace`: the command line.

pub mod serve;
