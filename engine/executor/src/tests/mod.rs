//! Whole models in memory: runs, bundles and disputes.

mod dispute;
mod models;
mod recurrent;
mod runs;
