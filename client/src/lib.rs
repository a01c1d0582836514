//! The Assay client: every role's command line, and the typed library beneath it.
//!
//! | module | what it holds |
//! |---|---|
//! | [`chain`] | [`Api`]: connection, records, calls, submission, decoded blocks, metadata drift |
//! | [`bundles`], [`npz`] | models on this machine, and arrays by the ONNX file's own names |
//! | [`delivery`] | outputs that were delivered in pieces |
//! | [`timeline`] | a job's history, from its request to its end |
//! | [`commands`], [`cli`] | the command line, one file a group of commands |
//! | [`account`], [`address`], [`amount`], [`output`], [`error`] | keys, money, printing, errors and exit codes |
//!
//! The client never links the runtime. It works from metadata committed in `artifacts/`, as any
//! outsider does, and refuses to sign for a chain whose metadata differs.
//!
//! # Example
//!
//! ```no_run
//! # async fn example() -> assay_client::Result<()> {
//! let api = assay_client::Api::connect("ws://127.0.0.1:9944").await?;
//! let at = api.best().await?;
//! match api.job(&at, 7).await? {
//!     Some(job) => println!("{job}"),
//!     None => println!("there is no job 7"),
//! }
//! # Ok(())
//! # }
//! ```

// These panic where nobody reads any more, as behind `| head`; what `output` has does not.
#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod account;
pub mod address;
pub mod amount;
pub mod bundles;
pub mod chain;
pub mod cli;
pub mod commands;
pub mod delivery;
pub mod error;
pub mod files;
pub mod npz;
pub mod output;
pub mod timeline;

pub use chain::{Api, Until};
pub use error::{Error, Kind, Result};
