//! Models with many inputs and outputs, as decoders with a cache for every layer are.

use assay_executor::{Bundle, Move, Options, Session, Tamper};
use assay_onnx::{compile, CompileOptions, Compiled, ErrorKind};
use assay_referee::{program_root, verify_fault, Program, MAX_PORTS, RECORD_BYTES};
use assay_testing::onnx::net::{self, f32s, floats_of, Net};

/// So many outputs of three numbers, the input times 0, 1, 2 …
fn multiples(count: usize) -> Net {
	let mut net = Net::new().floats("x", &[3]);
	for i in 0..count {
		let (name, factor) = (format!("y{i}"), format!("w{i}"));
		net = net.weight(&factor, &[1], &[i as f32]);
		net = net.node("Mul", &["x", &factor], &[&name]).output(&name);
	}
	net
}

/// So many inputs of two numbers, of which each, less its own number, is an output, and so is their sum.
fn caches(count: usize) -> Net {
	let names: Vec<String> = (0..count).map(|i| format!("past{i}")).collect();
	let mut net = Net::new();
	for (i, name) in names.iter().enumerate() {
		let (own, present) = (format!("w{i}"), format!("present{i}"));
		net = net.floats(name, &[1, 2]).weight(&own, &[1], &[i as f32]);
		net = net.node("Sub", &[name, &own], &[&present]);
	}
	let names: Vec<&str> = names.iter().map(String::as_str).collect();
	net = net.node("Sum", &names, &["sum"]).output("sum");
	(0..count).fold(net, |net, i| net.output(&format!("present{i}")))
}

fn version(compiled: &Compiled) -> u8 {
	compiled.program.encode().unwrap()[8]
}

/// A program packs up to 12 results in one op; more are packs of packs, with the same bytes.
#[test]
fn more_outputs_than_an_op_has_operands() {
	for count in [12, 13, 16, 17, 144, 145, MAX_PORTS] {
		let compiled = multiples(count).compile();
		assert_eq!(version(&compiled), if count > 16 { 2 } else { 1 });
		let found = net::run(&compiled, &[f32s(&[1.0, 2.0, -3.0])]);
		for (i, output) in found.iter().enumerate() {
			let i = i as f32;
			assert_eq!(floats_of(output), [i, 2.0 * i, -3.0 * i]);
		}
		assert_eq!(found.len(), count);
	}
	let error = multiples(MAX_PORTS + 1).error();
	assert_eq!(error.kind, ErrorKind::TooLarge);
	assert!(error.to_string().contains("513 outputs, the most is 512"), "{error}");
	assert!(error.to_string().contains("--outputs"), "{error}");
}

#[test]
fn a_cache_for_every_layer() {
	for count in [15, 64, 256] {
		let compiled = caches(count).compile();
		let inputs: Vec<Vec<u8>> = (0..count).map(|i| f32s(&[i as f32, 1.0])).collect();
		let found = net::run(&compiled, &inputs);
		assert_eq!(found.len(), count + 1);
		let sum = (count * (count - 1) / 2) as f32;
		assert_eq!(floats_of(&found[0]), [sum, count as f32]);
		for (i, present) in found[1..].iter().enumerate() {
			assert_eq!(floats_of(present), [0.0, 1.0 - i as f32]);
		}
	}
	let error = caches(MAX_PORTS + 1).error();
	assert_eq!(error.kind, ErrorKind::TooLarge);
	assert!(error.to_string().contains("513 inputs, the most is 512"), "{error}");
	// What is fixed is no input any more.
	let options = CompileOptions {
		values: [("past7".into(), vec![3])].into(),
		outputs: ["sum".into()].into(),
		..Default::default()
	};
	let compiled = compile(&caches(MAX_PORTS + 1).bytes(), &options).unwrap();
	assert_eq!(compiled.manifest.inputs.len(), MAX_PORTS);
}

/// The program's root is that of the records that proofs open, and the table of ports behind them does not
/// change how a lie is found.
#[test]
fn a_lie_of_a_program_with_a_table_of_ports() {
	let bundle = caches(64).compile().bundle().unwrap();
	let folder = tempfile::tempdir().unwrap();
	bundle.write(folder.path().join("wide")).unwrap();
	let bundle = Bundle::load(folder.path().join("wide")).unwrap();
	let bytes = bundle.program_bytes().to_vec();
	let ops = bundle.program().ops.len();
	assert!(bytes.len() > (1 + ops) * RECORD_BYTES);
	assert_eq!(bundle.manifest().program_root, program_root(&bytes));
	assert_eq!(Program::decode(&bytes).unwrap(), *bundle.program());
	let input = vec![0; bundle.program().header.input_layout().total_len as usize];
	let session = Session::new(bundle.into(), Options::default());
	let honest = session.trace(&input, None).unwrap();
	for op in [0, 40, ops as u32 - 1] {
		let lie = session.trace(&input, Some(&Tamper { op, element: None })).unwrap();
		let mut openings = Vec::new();
		let proof = loop {
			match honest.next_move(&lie.root(), &openings).unwrap() {
				Move::Ask(node) => openings.push((node, lie.open(&node).unwrap())),
				Move::Prove(proof) => break proof,
				Move::Agree => panic!("the roots differ"),
			}
		};
		assert_eq!(proof.entry, op);
		verify_fault(&honest.commitments(&lie.root()), &proof).unwrap();
	}
}
