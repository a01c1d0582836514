//! What can go wrong, said so that the reader knows what to do next.
//!
//! Every error carries a [`Kind`], which decides the exit code, one sentence on what happened, and
//! where there is one a hint on what to do about it.

use std::fmt;

/// Result with the client's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The class of an error; scripts see it as the exit code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
	/// Something failed that fits no narrower class.
	Failed,
	/// The command line, an input file or a bundle is wrong.
	Usage,
	/// The node cannot be reached, or the connection broke.
	Unreachable,
	/// The chain refused the transaction, before or while executing it.
	Refused,
	/// The named model, job, challenge or operator does not exist.
	NotFound,
	/// A wait ended before what it waited for happened.
	Timeout,
	/// The chain's metadata is not the one this client was built for.
	Drift,
}

impl Kind {
	/// The process exit code.
	pub fn exit_code(self) -> u8 {
		match self {
			Kind::Failed => 1,
			Kind::Usage => 2,
			Kind::Unreachable => 3,
			Kind::Refused => 4,
			Kind::NotFound => 5,
			Kind::Timeout => 6,
			Kind::Drift => 7,
		}
	}
}

/// The exit codes as `--help` prints them.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  failed
  2  wrong usage: command line, input file or bundle
  3  the node cannot be reached
  4  the chain refused the transaction
  5  no such model, job, challenge or operator
  6  timed out waiting
  7  the chain's metadata differs from this client's";

/// An error of the client; see the module.
///
/// # Examples
///
/// ```
/// use assay_client::Error;
///
/// let error = Error::not_found("there is no job 7").hint("it may have been reaped");
/// assert_eq!(error.kind.exit_code(), 5);
/// let shown = error.context("job show").to_string();
/// assert_eq!(shown, "job show: there is no job 7\n  it may have been reaped");
/// ```
#[derive(Debug)]
pub struct Error {
	/// The class.
	pub kind: Kind,
	/// What happened, one sentence.
	pub message: String,
	/// What to do about it.
	pub hint: Option<String>,
	/// The chain's name for a refusal, such as `Jobs::FeeTooLow`.
	pub code: Option<String>,
}

impl Error {
	/// An error of class `kind`.
	pub fn new(kind: Kind, message: impl Into<String>) -> Self {
		Error { kind, message: message.into(), hint: None, code: None }
	}

	/// [`Kind::Failed`].
	pub fn failed(message: impl Into<String>) -> Self {
		Self::new(Kind::Failed, message)
	}

	/// [`Kind::Usage`].
	pub fn usage(message: impl Into<String>) -> Self {
		Self::new(Kind::Usage, message)
	}

	/// [`Kind::NotFound`].
	pub fn not_found(message: impl Into<String>) -> Self {
		Self::new(Kind::NotFound, message)
	}

	/// The same error with what to do about it.
	pub fn hint(mut self, hint: impl Into<String>) -> Self {
		self.hint = Some(hint.into());
		self
	}

	/// The same error with the chain's name for it.
	pub fn code(mut self, code: impl Into<String>) -> Self {
		self.code = Some(code.into());
		self
	}

	/// The same error, its message preceded by what was being done.
	pub fn context(mut self, doing: impl fmt::Display) -> Self {
		self.message = format!("{doing}: {}", self.message);
		self
	}
}

impl fmt::Display for Error {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str(&self.message)?;
		if let Some(hint) = &self.hint {
			write!(f, "\n  {hint}")?;
		}
		Ok(())
	}
}

impl std::error::Error for Error {}

/// Running a model on this machine failed.
impl From<assay_executor::ExecError> for Error {
	fn from(error: assay_executor::ExecError) -> Self {
		Error::failed(error.to_string())
	}
}

impl From<subxt::Error> for Error {
	fn from(error: subxt::Error) -> Self {
		let text = error.to_string();
		let broken = ["connection", "restart required", "background task", "closed", "refused"];
		let lower = text.to_lowercase();
		if broken.iter().any(|word| lower.contains(word)) {
			return Error::new(Kind::Unreachable, format!("lost the node: {text}"))
				.hint("check that the node still runs and that --url names its RPC port");
		}
		Error::failed(text)
	}
}

impl From<subxt::rpcs::Error> for Error {
	fn from(error: subxt::rpcs::Error) -> Self {
		Error::from(subxt::Error::from(error))
	}
}

macro_rules! from_subxt {
	($($name:ident),* $(,)?) => {
		$(impl From<subxt::error::$name> for Error {
			fn from(error: subxt::error::$name) -> Self {
				Error::from(subxt::Error::from(error))
			}
		})*
	};
}

from_subxt!(
	OnlineClientError,
	OnlineClientAtBlockError,
	BlockError,
	BlocksError,
	BackendError,
	ConstantError,
	StorageError,
	StorageKeyError,
	StorageValueError,
	EventsError,
	ExtrinsicError,
	ExtrinsicDecodeErrorAt,
	RuntimeApiError,
	TransactionProgressError,
	ViewFunctionError,
);

/// A file could not be read or written.
pub(crate) fn io(path: &std::path::Path, error: std::io::Error) -> Error {
	let hint = match error.kind() {
		std::io::ErrorKind::NotFound => Some("check the path"),
		std::io::ErrorKind::PermissionDenied => Some("check the file's permissions"),
		_ => None,
	};
	let mut out = Error::usage(format!("{}: {error}", path.display()));
	out.hint = hint.map(str::to_string);
	out
}
