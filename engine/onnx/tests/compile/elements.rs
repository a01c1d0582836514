//! Element types of files, and the values that nodes have in them.

use assay_executor::{ElementType, StoredTensor};
use assay_onnx::Compiled;
use assay_testing::onnx::net::{f32s, floats_of, run, tensor, Net, A, D};
use rten_onnx::onnx::DataType;

/// Two inputs of one type, a node and its output.
fn pair(data_type: DataType, op: &str, len: i64) -> Net {
	let net = Net::new().input("a", data_type, &[D::N(len)]);
	net.input("b", data_type, &[D::N(len)]).node(op, &["a", "b"], &["y"]).output("y")
}

/// Runs on inputs in the file's own types; the output in its own.
fn run_stored(compiled: &Compiled, inputs: &[&[u8]]) -> Vec<u8> {
	let manifest = &compiled.manifest;
	let tensors: Vec<StoredTensor<'_>> = manifest
		.inputs
		.iter()
		.zip(inputs)
		.map(|(input, bytes)| StoredTensor {
			name: &input.name,
			element: input.element(),
			shape: &input.shape,
			bytes,
		})
		.collect();
	let packed = manifest.pack_stored(&tensors).unwrap();
	let (bundle, options) = (compiled.bundle().unwrap(), assay_executor::Options::default());
	let session = assay_executor::Session::new(std::sync::Arc::new(bundle), options);
	let outputs = manifest.unpack_outputs(&session.run(&packed).unwrap()).unwrap();
	manifest.outputs[0].stored(&outputs[0])
}

#[test]
fn a_node_of_float16_gives_float16() {
	let mut net = pair(DataType::FLOAT16, "Add", 2);
	net.graph().output[0].r#type = net.graph().input[0].r#type.clone();
	let compiled = net.compile();
	assert_eq!(compiled.manifest.inputs[0].element().name(), "f16");
	assert_eq!(compiled.manifest.outputs[0].element().name(), "f16");
	// 2048 + 1 = 2048, since float16 has steps of 2 from 2048 on; 65504 + 65504 is infinite.
	let f16s = |values: [u16; 2]| values.map(u16::to_le_bytes).concat();
	let y = run_stored(&compiled, &[&f16s([0x6800, 0x7bff]), &f16s([0x3c00, 0x7bff])]);
	assert_eq!(y, f16s([0x6800, 0x7c00]));
}

#[test]
fn rounding_happens_at_every_node() {
	// (x + 1) - x for x = 2048: 0 in float16, 1 in float32.
	let net = |data_type| {
		let net = Net::new().input("x", data_type, &[D::N(1)]);
		let net = net.initializer(tensor("one", DataType::FLOAT16, &[1], vec![0, 0x3c]));
		let net = net.node_with("Cast", &["one"], &["b"], vec![("to", A::Int(data_type.0.into()))]);
		net.node("Add", &["x", "b"], &["sum"]).node("Sub", &["sum", "x"], &["y"]).output("y")
	};
	for (data_type, expected) in [(DataType::FLOAT16, 0.0), (DataType::FLOAT, 1.0)] {
		let y = run(&net(data_type).compile(), &[f32s(&[2048.0])]);
		assert_eq!(floats_of(&y[0]), [expected]);
	}
}

#[test]
fn casts_round_to_the_type() {
	let cast = |to: i64, attributes: Vec<(&'static str, A)>, x: f32| -> f32 {
		let mut all = vec![("to", A::Int(to))];
		all.extend(attributes);
		let net = Net::new().opset(21).floats("x", &[1]);
		let net = net.node_with("Cast", &["x"], &["narrow"], all);
		let back = vec![("to", A::Int(1))];
		net.node_with("Cast", &["narrow"], &["y"], back).output("y").run_f32(&[&[x]])[0]
	};
	assert_eq!(cast(10, vec![], 2049.0), 2048.0);
	assert_eq!(cast(16, vec![], 257.0), 256.0);
	assert_eq!(cast(17, vec![], 1e6), 448.0);
	assert!(cast(17, vec![("saturate", A::Int(0))], 1e6).is_nan());
	assert_eq!(cast(19, vec![("saturate", A::Int(0))], 1e6), f32::INFINITY);
	assert_eq!(cast(4, vec![], -3.7), 0.0);
	assert_eq!(cast(5, vec![], 40_000.0), 32_767.0);
	assert_eq!(cast(22, vec![], -9.0), -8.0);
	assert_eq!(cast(12, vec![], 5e9), 4_294_967_296.0);
}

#[test]
fn whole_numbers_wrap_at_their_own_size() {
	let compiled = |data_type, op| {
		let mut net = pair(data_type, op, 1);
		net.graph().output[0].r#type = net.graph().input[0].r#type.clone();
		net.compile()
	};
	let y = run_stored(&compiled(DataType::UINT16, "Add"), &[&[0xff, 0xff], &[2, 0]]);
	assert_eq!(y, [1, 0]);
	let y = run_stored(&compiled(DataType::INT16, "Mul"), &[&[0xff, 0x7f], &[2, 0]]);
	assert_eq!(y, (-2i16).to_le_bytes());
	let y = run_stored(&compiled(DataType::UINT32, "Sub"), &[&[1, 0, 0, 0], &[2, 0, 0, 0]]);
	assert_eq!(y, u32::MAX.to_le_bytes());
}

#[test]
fn inputs_that_cannot_be_computed_with_are_refused() {
	let compiled = pair(DataType::UINT64, "Add", 1).compile();
	let stored = |bytes: [u8; 8]| {
		let one = StoredTensor {
			name: "a",
			element: ElementType::U64,
			shape: &[1],
			bytes: &bytes.clone(),
		};
		compiled.manifest.pack_stored(&[one, StoredTensor { name: "b", ..one }])
	};
	assert!(stored(7u64.to_le_bytes()).is_ok());
	let error = stored(u64::MAX.to_le_bytes()).unwrap_err().to_string();
	assert!(error.contains("\"a\"") && error.contains("i64"), "{error}");
	let wrong = StoredTensor { name: "a", element: ElementType::F64, shape: &[1], bytes: &[0; 8] };
	let error = compiled.manifest.pack_stored(&[wrong]).unwrap_err().to_string();
	assert!(error.contains("f64") && error.contains("u64"), "{error}");
}

#[test]
fn weights_of_every_storage_are_read() {
	let weight = |data_type: DataType, dims: &[i64], bytes: Vec<u8>| -> Vec<f32> {
		let net = Net::new().floats("x", &[1]).initializer(tensor("w", data_type, dims, bytes));
		let net = net.node_with("Cast", &["w"], &["c"], vec![("to", A::Int(1))]);
		floats_of(&net.node("Add", &["x", "c"], &["y"]).output("y").run(&[f32s(&[0.0])])[0])
	};
	assert_eq!(weight(DataType::FLOAT16, &[2], vec![0, 0x3e, 0, 0xbe]), [1.5, -1.5]);
	assert_eq!(weight(DataType::BFLOAT16, &[1], vec![0xc0, 0x3f]), [1.5]);
	assert_eq!(weight(DataType::DOUBLE, &[1], 0.1f64.to_le_bytes().to_vec()), [0.1]);
	assert_eq!(weight(DataType::FLOAT8E5M2, &[2], vec![0x3c, 0xbe]), [1.0, -1.5]);
	assert_eq!(weight(DataType::INT4, &[3], vec![0x8f, 0x07]), [-1.0, -8.0, 7.0]);
	assert_eq!(weight(DataType::UINT16, &[1], vec![0xff, 0xff]), [65535.0]);
}
