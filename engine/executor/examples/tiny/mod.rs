// A model small enough for the examples in the documentation, which include this file.

use assay_executor::{Bundle, Manifest};
use assay_referee::{
	tree, Bias, DType, OpKind, OpRecord, Operand, Program, Shape, TensorSpec, UnaryFn,
};

/// `y = sigmoid(x · w)` for `batch` rows: x is `[N, 4]`, the sums of its elements with weights of 1, 2 and 3
/// are op 0, and y, `[N, 3]`, is op 1.
pub fn bundle(batch: u32) -> Result<Bundle, Box<dyn std::error::Error>> {
	let dtype = DType::F32;
	let weights: Vec<u8> = (0..12u8).flat_map(|i| f32::from(i / 4 + 1).to_le_bytes()).collect();
	let x = Operand::input(0, dtype, Shape::new(&[1, batch, 4])?);
	let w = Operand::weight(0, dtype, Shape::new(&[1, 3, 4])?);
	let shape = Shape::new(&[1, batch, 3])?;
	let sums = OpRecord::new(OpKind::MatMul { bias: Bias::None }, dtype, shape, [x, w]);
	let of_sums = Operand::op(0, dtype, shape);
	let y = OpRecord::new(OpKind::Unary(UnaryFn::Sigmoid), dtype, shape, [of_sums]);
	let port = |columns| Shape::new(&[batch, columns]).map(|shape| TensorSpec::new(dtype, shape));
	let program = Program::new(48, vec![port(4)?], vec![port(3)?], vec![sums, y]);
	let mut manifest = Manifest::new(&program, tree::hash(&weights), &["x".into()], &["y".into()])?;
	manifest.dims.insert("N".into(), batch);
	Ok(Bundle::new(program, &weights, manifest)?)
}
