//! Gives every dimension of the model's inputs a value.

use std::collections::{BTreeMap, BTreeSet};

use assay_executor::ElementType;
use assay_referee::{DType, MAX_PORTS, MAX_TENSOR_BYTES};

use crate::{
	dims::{check_dims, product, Dims},
	error::{listed, CompileError, ErrorKind, Failure, Place},
	read::{element, Dim, Port},
	CompileOptions,
};

/// An input of the model with a static shape.
#[derive(Clone, Debug)]
pub(crate) struct BoundInput<'a> {
	pub(crate) name: &'a str,
	pub(crate) dtype: DType,
	/// The type that the file has for it.
	pub(crate) element: ElementType,
	pub(crate) dims: Dims,
}

/// The inputs' types and shapes, and every named dimension with its value.
#[derive(Debug)]
pub(crate) struct Bound<'a> {
	pub(crate) inputs: Vec<BoundInput<'a>>,
	/// Inputs that are constants of the compiled model, and the numbers of their elements: one that all have, or
	/// as many as there are.
	pub(crate) fixed: Vec<(BoundInput<'a>, Vec<i64>)>,
	pub(crate) dims: BTreeMap<String, u32>,
}

fn at_input(name: &str) -> impl Fn(Failure) -> CompileError + '_ {
	move |failure| failure.at(Place::Input(name.into()))
}

/// Binds the dimensions of `ports`, the graph's inputs that have no initializer.
pub(crate) fn bind<'a>(
	ports: &[&Port<'a>],
	options: &CompileOptions,
) -> Result<Bound<'a>, CompileError> {
	check_names(ports, options)?;
	let mut dims = options.dims.clone();
	// Whole shapes first: they also give values to named dimensions that other inputs share.
	for port in ports {
		if let Some(shape) = options.shapes.get(port.name) {
			let declared = port.tensor.as_ref().and_then(|tensor| tensor.dims.as_deref());
			take_shape(shape, declared, &mut dims).map_err(at_input(port.name))?;
		}
	}
	let (mut inputs, mut fixed) = (Vec::new(), Vec::new());
	for port in ports {
		let input = bind_one(port, options, &dims).map_err(at_input(port.name))?;
		match options.values.get(port.name) {
			None => inputs.push(input),
			Some(numbers) => {
				check_numbers(&input, numbers).map_err(at_input(port.name))?;
				fixed.push((input, numbers.clone()));
			},
		}
	}
	if inputs.len() > MAX_PORTS {
		let reason = format!("it has {} inputs, the most is {MAX_PORTS}", inputs.len());
		let help =
			"give some a constant with `--set`, or let one input hold what several are, as one \
			tensor of all key-value caches";
		return Err(Failure::too_large(reason).help(help).at(Place::File));
	}
	let named = names(ports);
	dims.retain(|name, _| named.contains(name.as_str()));
	for (name, bounds) in &options.bounds {
		if let Some(&size) = dims.get(name).filter(|&&size| !bounds.contains(size)) {
			let reason = format!("`{name}` is {size}, which is outside of its bounds, {bounds}");
			return Err(Failure::new(ErrorKind::WrongShape, reason).at(Place::File));
		}
	}
	Ok(Bound { inputs, fixed, dims })
}

/// Whether an input has so many elements, and its type these numbers.
fn check_numbers(input: &BoundInput<'_>, numbers: &[i64]) -> Result<(), Failure> {
	let elements = product(&input.dims);
	if numbers.len() != 1 && numbers.len() as u64 != elements {
		return Err(Failure::new(
			ErrorKind::WrongShape,
			format!("it has {elements} elements, and {} numbers are given for them", numbers.len()),
		)
		.help("give one number for each, or one that all have"));
	}
	let range = match input.dtype {
		DType::I64 => i64::MIN..=i64::MAX,
		DType::I32 => i32::MIN.into()..=i32::MAX.into(),
		DType::U8 => 0..=255,
		DType::I8 => -128..=127,
		DType::Bool => 0..=1,
		// The whole numbers that f32 has without gaps.
		DType::F32 => -(1 << 24)..=1 << 24,
	};
	match numbers.iter().find(|number| !range.contains(number)) {
		None => Ok(()),
		Some(number) => Err(Failure::new(
			ErrorKind::WrongShape,
			format!("its type {:?} has no {number}", input.dtype),
		)),
	}
}

fn names<'a>(ports: &[&Port<'a>]) -> BTreeSet<&'a str> {
	let dims = ports.iter().filter_map(|port| port.tensor.as_ref()?.dims.as_ref()).flatten();
	dims.filter_map(|dim| match dim {
		Dim::Named(name) => Some(*name),
		_ => None,
	})
	.collect()
}

fn check_names(ports: &[&Port<'_>], options: &CompileOptions) -> Result<(), CompileError> {
	let named = names(ports);
	let mut given = options.dims.keys().chain(options.bounds.keys());
	if let Some(name) = given.find(|name| !named.contains(name.as_str())) {
		return Err(Failure::new(
			ErrorKind::UnknownName,
			format!("the model has no free dimension named `{name}`"),
		)
		.help(format!("its free dimensions are: {}", listed(named)))
		.at(Place::File));
	}
	let inputs: Vec<&str> = ports.iter().map(|port| port.name).collect();
	let mut given = options.shapes.keys().chain(options.values.keys());
	if let Some(name) = given.find(|name| !inputs.contains(&name.as_str())) {
		return Err(Failure::new(
			ErrorKind::UnknownName,
			format!("the model has no input named `{name}`"),
		)
		.help(format!("its inputs are: {}", listed(inputs)))
		.at(Place::File));
	}
	Ok(())
}

/// Checks a given shape against the declared one and notes what it says about named dimensions.
fn take_shape(
	shape: &[u32],
	declared: Option<&[Dim<'_>]>,
	dims: &mut BTreeMap<String, u32>,
) -> Result<(), Failure> {
	let wrong = |reason: String| Err(Failure::new(ErrorKind::WrongShape, reason));
	let Some(declared) = declared else { return Ok(()) };
	if shape.len() != declared.len() {
		return wrong(format!(
			"the given shape {shape:?} has {} dimensions, the model declares {}",
			shape.len(),
			declared.len()
		));
	}
	// A name that one shape gives several sizes names no size: exporters write the same for all.
	let sizes = |name: &str| {
		let same = shape.iter().zip(declared).filter(move |(_, dim)| **dim == Dim::Named(name));
		same.map(|(&size, _)| size).collect::<BTreeSet<u32>>()
	};
	for (&given, dim) in shape.iter().zip(declared) {
		match dim {
			Dim::Named(name) if sizes(name).len() > 1 => {},
			Dim::Known(value) if *value != i64::from(given) => {
				return wrong(format!(
					"the given shape {shape:?} has {given} where the model has {value}"
				));
			},
			Dim::Named(name) => match dims.insert((*name).into(), given) {
				Some(other) if other != given => {
					return wrong(format!("dimension `{name}` is given as {other} and as {given}"));
				},
				_ => {},
			},
			_ => {},
		}
	}
	Ok(())
}

fn bind_one<'a>(
	port: &Port<'a>,
	options: &CompileOptions,
	named: &BTreeMap<String, u32>,
) -> Result<BoundInput<'a>, Failure> {
	let name = port.name;
	let Some(tensor) = &port.tensor else {
		return Err(Failure::new(
			ErrorKind::UnsupportedType,
			"it is not a tensor (sequences, maps and optional values are not supported)",
		));
	};
	let element = element(tensor.data_type)?;
	let dtype = element.computed();
	let dims = match (options.shapes.get(name), &tensor.dims) {
		(Some(shape), _) => shape.clone(),
		(None, None) => {
			return Err(Failure::new(ErrorKind::UnboundDimension, "it has no declared shape")
				.help(format!("give one with --shape {name}=D0,D1,…")));
		},
		(None, Some(declared)) => {
			declared.iter().map(|dim| bind_dim(name, *dim, named)).collect::<Result<Dims, _>>()?
		},
	};
	check_dims(&dims)?;
	if product(&dims) * dtype.size() > MAX_TENSOR_BYTES {
		return Err(Failure::too_large(format!("its shape {dims:?} exceeds 1 GiB")));
	}
	Ok(BoundInput { name, dtype, element, dims })
}

fn bind_dim(input: &str, dim: Dim<'_>, named: &BTreeMap<String, u32>) -> Result<u32, Failure> {
	match dim {
		Dim::Known(value) => u32::try_from(value)
			.map_err(|_| Failure::too_large(format!("its dimension of {value} is too large"))),
		Dim::Named(name) => named.get(name).copied().ok_or_else(|| {
			Failure::new(
				ErrorKind::UnboundDimension,
				format!("its dimension `{name}` is free and has no value"),
			)
			.help(format!("give one with --dim {name}=1, or another size"))
		}),
		Dim::Open => {
			Err(Failure::new(ErrorKind::UnboundDimension, "it has a free dimension without a name")
				.help(format!("give its whole shape with --shape {input}=D0,D1,…")))
		},
	}
}
