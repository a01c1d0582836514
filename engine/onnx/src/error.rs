//! Why a file could not be compiled.

use std::fmt;

/// Why a file could not be compiled: what kind of failure, where, the reason, and what would help.
///
/// # Examples
///
/// ```
/// use assay_onnx::{compile, CompileOptions, ErrorKind, Place};
///
/// let error = compile(b"not a model", &CompileOptions::default()).expect_err("it is text");
/// assert_eq!((error.kind, &error.place), (ErrorKind::Malformed, &Place::File));
/// // For people: where it is, what is wrong, and what would help.
/// assert!(error.to_string().starts_with("the file: it is no ONNX model"));
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CompileError {
	/// The kind of failure, for programs.
	pub kind: ErrorKind,
	/// Where in the model it is.
	pub place: Place,
	/// What is wrong, one clause without a full stop.
	pub reason: String,
	/// What the user can do about it, when that is known.
	pub help: Option<String>,
}

/// The kinds of failure.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum ErrorKind {
	/// The bytes are not an ONNX file, or are cut short or damaged.
	Malformed,
	/// The graph contradicts the ONNX specification.
	Invalid,
	/// An operator that cannot be compiled.
	UnsupportedOperator,
	/// An element type that cannot be compiled.
	UnsupportedType,
	/// A supported operator in a form that cannot be compiled.
	Unsupported,
	/// A weight is NaN or infinite.
	NotFinite,
	/// A free dimension of an input has no value.
	UnboundDimension,
	/// A dimension or input was named that the model does not have.
	UnknownName,
	/// A given shape does not fit the model.
	WrongShape,
	/// A shape or index depends on the input's values.
	DynamicShape,
	/// Weights lie in another file, which cannot be read or is not as the model says.
	ExternalData,
	/// The model exceeds a limit of the program format or of this compiler.
	TooLarge,
	/// One element of an op would cost more to judge than the chain allows.
	LeafLimit,
}

/// Where in a model a failure is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
	/// The file as a whole.
	File,
	/// A node of the graph.
	Node {
		/// The node's name, or its first output's name where it has none.
		name: String,
		/// The operator.
		op_type: String,
	},
	/// An input of the model.
	Input(String),
	/// An output of the model.
	Output(String),
	/// A weight of the model.
	Weight(String),
}

impl fmt::Display for Place {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			Place::File => f.write_str("the file"),
			Place::Node { name, op_type } => {
				write!(f, "node `{}` ({})", shown(name), shown(op_type))
			},
			Place::Input(name) => write!(f, "input `{}`", shown(name)),
			Place::Output(name) => write!(f, "output `{}`", shown(name)),
			Place::Weight(name) => write!(f, "weight `{}`", shown(name)),
		}
	}
}

impl fmt::Display for CompileError {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		write!(f, "{}: {}", self.place, self.reason)?;
		match &self.help {
			Some(help) => write!(f, "; {help}"),
			None => Ok(()),
		}
	}
}

impl std::error::Error for CompileError {}

/// What to do about a shape that depends on the input.
pub(crate) const KNOWN_SHAPES: &str =
	"shapes must be known when the model is compiled: if an input decides it, fix that one with --set INPUT=N[,N…]";

/// A name as it may be printed: without control characters, and not endless.
pub(crate) fn shown(name: &str) -> String {
	const MOST: usize = 120;
	let mut text: String =
		name.chars().take(MOST).map(|c| if c.is_control() { '?' } else { c }).collect();
	if name.chars().nth(MOST).is_some() {
		text.push('…');
	}
	text
}

/// Names as they may be listed: not all of very many.
pub(crate) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
	let quoted: Vec<String> =
		names.into_iter().take(16).map(|n| format!("`{}`", shown(n))).collect();
	if quoted.is_empty() {
		"none".into()
	} else {
		quoted.join(", ")
	}
}

/// A failure whose place is filled in by whoever knows it.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
	pub(crate) kind: ErrorKind,
	pub(crate) reason: String,
	pub(crate) help: Option<String>,
}

pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
	pub(crate) fn new(kind: ErrorKind, reason: impl Into<String>) -> Failure {
		Failure { kind, reason: reason.into(), help: None }
	}

	pub(crate) fn invalid(reason: impl Into<String>) -> Failure {
		Failure::new(ErrorKind::Invalid, reason)
	}

	pub(crate) fn unsupported(reason: impl Into<String>) -> Failure {
		Failure::new(ErrorKind::Unsupported, reason)
	}

	pub(crate) fn too_large(reason: impl Into<String>) -> Failure {
		Failure::new(ErrorKind::TooLarge, reason)
	}

	pub(crate) fn help(mut self, help: impl Into<String>) -> Failure {
		self.help = Some(help.into());
		self
	}

	pub(crate) fn at(mut self, place: Place) -> CompileError {
		// Lists from a hostile file may be endless.
		const MOST: usize = 400;
		if let Some((cut, _)) = self.reason.char_indices().nth(MOST) {
			self.reason.truncate(cut);
			self.reason.push('…');
		}
		let help = match (self.help, self.kind) {
			(None, ErrorKind::TooLarge) => {
				Some("compile the model for smaller inputs, or in parts".into())
			},
			(help, _) => help,
		};
		CompileError { kind: self.kind, place, reason: self.reason, help }
	}
}
