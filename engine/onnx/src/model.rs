//! From the file to a compiled model.

use std::collections::HashSet;

use assay_executor::{ElementType, Manifest};
use assay_referee::tree;

use crate::{
	dims::product,
	emit::{emit, Emitted},
	error::{listed, shown, CompileError, ErrorKind, Failure, Place},
	graph::{bind, place, Bound, Walk},
	ir::{Builder, Item, Value},
	lower::Opsets,
	read::{Files, Graph, Model, Node, Port, WireError},
	CompileOptions, Compiled,
};

pub(crate) fn compile(
	onnx: &[u8],
	mut files: Files,
	options: &CompileOptions,
) -> Result<Compiled, CompileError> {
	let at_file = |failure: Failure| failure.at(Place::File);
	let model = Model::decode(onnx).map_err(|error| at_file(no_model(onnx, error)))?;
	if onnx.is_empty() {
		return Err(at_file(Failure::new(ErrorKind::Malformed, "it is empty")));
	}
	let Some(graph) = &model.graph else {
		return Err(at_file(Failure::new(ErrorKind::Malformed, "it holds no graph")));
	};
	let opsets = Opsets::of(&model.opsets, graph).map_err(at_file)?;
	let wanted = wanted(graph, options)?;
	let mut walk = Walk::new(opsets, &model.functions)?;
	walk.enter(graph, wanted.iter().map(|port| port.name).collect())?;
	let ports: Vec<&Port<'_>> =
		graph.inputs.iter().filter(|port| !walk.has_initializer(port.name)).collect();
	let mut bound = bind(&ports, options)?;
	let graphs = model.functions.iter().map(|function| &function.body).chain([graph]);
	let size = (onnx.len() as u64).saturating_add(files.count(graphs));
	let mut builder = Builder::new(size, files);
	walk.declare(&mut bound, &mut builder)?;
	let items = walk.run(&mut builder)?;
	let mut outputs = Vec::new();
	for (port, item) in wanted.iter().zip(items) {
		let value =
			output(&mut builder, item).map_err(|f| f.at(Place::Output(port.name.into())))?;
		outputs.push(value);
	}
	for (port, value) in wanted.iter().zip(&outputs) {
		if product(&value.dims) == 0 {
			let failure = Failure::unsupported(format!("it is empty, of shape {:?}", value.dims));
			return Err(failure
				.help(
					"leave it out: name the other outputs, as `assay model compile --outputs` does",
				)
				.at(Place::Output(port.name.into())));
		}
	}
	let at_node = |node: usize| walk.nodes.get(node).map_or(Place::File, |node| place(node));
	let emitted = emit(builder.ops, &bound.inputs, &outputs, at_node)?;
	let elements = output_elements(&wanted, &outputs);
	describe(onnx, &wanted, bound, elements, &walk.nodes, emitted, options).map_err(at_file)
}

/// The tensor that an output is.
fn output(builder: &mut Builder, item: Item) -> Result<Value, Failure> {
	match item {
		Item::Tensor(value) => Ok(value),
		Item::Sequence(_) => Err(Failure::unsupported("it is a sequence")
			.help("end the model before it, or join its tensors with ConcatFromSequence")),
		Item::Picked(picked) => picked.output(builder),
	}
}

/// Why bytes are no model: what they are instead, where that is known.
fn no_model(bytes: &[u8], error: WireError) -> Failure {
	const EXPORT: &str = "export the model to ONNX";
	let malformed = |reason: &str| Failure::new(ErrorKind::Malformed, reason);
	let text = bytes.trim_ascii_start();
	if text.starts_with(b"version https://git-lfs") {
		return malformed("it is a pointer of Git LFS, which stands for the model")
			.help("fetch the model itself: git lfs pull");
	}
	let head = text[..text.len().min(16)].to_ascii_lowercase();
	if [&b"<!doctype"[..], b"<html", b"<?xml"].iter().any(|mark| head.starts_with(mark)) {
		return malformed("it is a web page").help("download the file itself, not a page about it");
	}
	if bytes.starts_with(b"PK\x03\x04") {
		return malformed("it is a zip archive: PyTorch's .pt files are such, and .npz files")
			.help("export the model to ONNX, or take the .onnx file out of the archive");
	}
	if text.starts_with(b"<") || text.starts_with(b"ir_version") {
		return malformed("it is a model in text form").help("save it in binary with onnx.save");
	}
	if text.starts_with(b"{") {
		return malformed("it is JSON").help(EXPORT);
	}
	let others: [(&[u8], usize, &str, &str); 6] = [
		(b"\x1f\x8b", 0, "it is compressed with gzip", "unpack it"),
		(b"ustar", 257, "it is a tar archive", "unpack it"),
		(b"\x89HDF", 0, "it is an HDF5 file, as Keras writes", EXPORT),
		(b"TFL3", 4, "it is a TensorFlow Lite model", EXPORT),
		(b"GGUF", 0, "it is a GGUF file", EXPORT),
		(b"\x80\x04", 0, "it is a Python pickle", EXPORT),
	];
	let found = others
		.iter()
		.find(|(mark, at, ..)| bytes.get(*at..).is_some_and(|bytes| bytes.starts_with(mark)));
	if let Some((.., what, help)) = found {
		return malformed(what).help(*help);
	}
	match error {
		WireError::TooMany => {
			Failure::too_large(error.to_string()).help("compile the model in parts")
		},
		WireError::Nesting => Failure::too_large(error.to_string()).help(
			"simplify the model first: a branch whose condition is known needs no If around it",
		),
		error => malformed(&format!("it is no ONNX model, or is damaged: {error}"))
			.help("check that it is an ONNX file, and that the whole of it was copied"),
	}
}

/// The outputs of the graph that are compiled: those that were named, or all.
fn wanted<'g, 'a>(
	graph: &'g Graph<'a>,
	options: &CompileOptions,
) -> Result<Vec<&'g Port<'a>>, CompileError> {
	let mut names = HashSet::new();
	if let Some(port) = graph.outputs.iter().find(|port| !names.insert(port.name)) {
		let failure = Failure::invalid("two outputs have this name");
		return Err(failure.at(Place::Output(port.name.into())));
	}
	if let Some(unknown) = options.outputs.iter().find(|name| !names.contains(name.as_str())) {
		let there = graph.outputs.iter().map(|port| port.name);
		let reason = format!("the model has no output named `{}`", shown(unknown));
		let failure = Failure::new(ErrorKind::UnknownName, reason);
		return Err(failure.help(format!("its outputs are: {}", listed(there))).at(Place::File));
	}
	let all = options.outputs.is_empty();
	let wanted = |port: &&Port<'a>| all || options.outputs.iter().any(|name| name == port.name);
	Ok(graph.outputs.iter().filter(wanted).collect())
}

/// The file's element types of its outputs: as declared, where that is computed as the values are.
fn output_elements(ports: &[&Port<'_>], outputs: &[Value]) -> Vec<ElementType> {
	let declared = ports.iter().map(|port| {
		port.tensor.as_ref().and_then(|tensor| ElementType::from_onnx(tensor.data_type))
	});
	let choose = |(declared, value): (Option<ElementType>, &Value)| {
		declared.filter(|element| element.computed() == value.dtype).unwrap_or(value.element)
	};
	declared.zip(outputs).map(choose).collect()
}

fn describe(
	onnx: &[u8],
	ports: &[&Port<'_>],
	bound: Bound<'_>,
	elements: Vec<ElementType>,
	lowered: &[&Node<'_>],
	emitted: Emitted,
	options: &CompileOptions,
) -> Result<Compiled, Failure> {
	let Emitted { program, weights, parameters, nodes } = emitted;
	let inputs: Vec<String> = bound.inputs.iter().map(|input| input.name.into()).collect();
	let outputs: Vec<String> = ports.iter().map(|port| port.name.into()).collect();
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
