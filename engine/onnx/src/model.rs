//! From the file to a compiled model.

use std::collections::HashSet;

use assay_executor::{ElementType, Manifest};
use assay_referee::tree;

use crate::{
	emit::{emit, Emitted},
	error::{CompileError, ErrorKind, Failure, Place},
	graph::{bind, place, Bound, Walk},
	ir::{Builder, Value},
	read::{Files, Graph, Model, Node, Port},
	CompileOptions, Compiled,
};

/// Versions of the standard operator set whose meaning is known here.
const OPSETS: std::ops::RangeInclusive<i64> = 1..=24;

pub(crate) fn compile(
	onnx: &[u8],
	mut files: Files,
	options: &CompileOptions,
) -> Result<Compiled, CompileError> {
	let at_file = |failure: Failure| failure.at(Place::File);
	let model = Model::decode(onnx).map_err(|error| {
		at_file(
			Failure::new(
				ErrorKind::Malformed,
				format!("it is no ONNX model, or is damaged: {error}"),
			)
			.help("check that the whole file was copied"),
		)
	})?;
	let opset = standard_opset(&model).map_err(at_file)?;
	let Some(graph) = &model.graph else {
		return Err(at_file(Failure::new(ErrorKind::Malformed, "it holds no graph")));
	};
	let mut walk = Walk::new(opset);
	walk.enter(graph)?;
	let ports: Vec<&Port<'_>> =
		graph.inputs.iter().filter(|port| !walk.has_initializer(port.name)).collect();
	let mut bound = bind(&ports, options)?;
	let mut names = HashSet::new();
	if let Some(port) = graph.outputs.iter().find(|port| !names.insert(port.name)) {
		let failure = Failure::invalid("two outputs have this name");
		return Err(failure.at(Place::Output(port.name.into())));
	}
	let size = (onnx.len() as u64).saturating_add(files.count(graph));
	let mut builder = Builder::new(size, files);
	walk.declare(&mut bound, &mut builder)?;
	let outputs = walk.run(&mut builder)?;
	let at_node = |node: usize| walk.nodes.get(node).map_or(Place::File, |node| place(node));
	let emitted = emit(builder.ops, &bound.inputs, &outputs, at_node)?;
	let elements = output_elements(graph, &outputs);
	describe(onnx, graph, bound, elements, &walk.nodes, emitted, options).map_err(at_file)
}

/// The version of the standard operator set that the model is written for; a model that uses none
/// of its operators need not name one.
fn standard_opset(model: &Model<'_>) -> Result<i64, Failure> {
	let is_standard = |domain: &str| matches!(domain, "" | "ai.onnx");
	let named = model.opsets.iter().find(|(domain, _)| is_standard(domain));
	let mut nodes = model.graph.iter().flat_map(|graph| &graph.nodes);
	let version = match named {
		Some(&(_, version)) => version,
		None if !model.opsets.is_empty() && !nodes.any(|node| is_standard(node.domain)) => {
			*OPSETS.end()
		},
		None => {
			let reason = "it names no version of the operator set";
			return Err(Failure::new(ErrorKind::Malformed, reason));
		},
	};
	if OPSETS.contains(&version) {
		Ok(version)
	} else {
		Err(Failure::unsupported(format!(
			"it is written for operator set {version}, supported are {} to {}",
			OPSETS.start(),
			OPSETS.end()
		))
		.help("export or convert the model for operator set 17"))
	}
}

/// The file's element types of its outputs: as declared, where that is computed as the values are.
fn output_elements(graph: &Graph<'_>, outputs: &[Value]) -> Vec<ElementType> {
	let declared = graph.outputs.iter().map(|port| {
		port.tensor.as_ref().and_then(|tensor| ElementType::from_onnx(tensor.data_type))
	});
	let choose = |(declared, value): (Option<ElementType>, &Value)| {
		declared.filter(|element| element.computed() == value.dtype).unwrap_or(value.element)
	};
	declared.zip(outputs).map(choose).collect()
}

fn describe(
	onnx: &[u8],
	graph: &Graph<'_>,
	bound: Bound<'_>,
	elements: Vec<ElementType>,
	lowered: &[&Node<'_>],
	emitted: Emitted,
	options: &CompileOptions,
) -> Result<Compiled, Failure> {
	let Emitted { program, weights, parameters, nodes } = emitted;
	let inputs: Vec<String> = bound.inputs.iter().map(|input| input.name.into()).collect();
	let outputs: Vec<String> = graph.outputs.iter().map(|port| port.name.into()).collect();
	let mut manifest = Manifest::new(&program, tree::hash(&weights), &inputs, &outputs)
		.map_err(|error| Failure::invalid(error.to_string()))?;
	let own = |element: ElementType| Some(element).filter(|&own| own != own.computed().into());
	for (tensor, input) in manifest.inputs.iter_mut().zip(&bound.inputs) {
		tensor.element = own(input.element);
	}
	for (tensor, element) in manifest.outputs.iter_mut().zip(elements) {
		tensor.element = own(element);
	}
	manifest.name = options.name.clone();
	manifest.version = options.version.clone();
	manifest.licence = options.licence.clone();
	manifest.source_hash = tree::hash(onnx);
	manifest.dims = bound.dims;
	manifest.bounds = options.bounds.clone();
	manifest.compiler = concat!("assay-onnx ", env!("CARGO_PKG_VERSION")).into();
	let origins = nodes
		.iter()
		.map(|&node| match lowered.get(node).map(|node| place(node)) {
			Some(Place::Node { name, .. }) => name,
			_ => String::new(),
		})
		.collect();
	Ok(Compiled { program, weights, manifest, parameters, origins })
}
