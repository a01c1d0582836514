//! `MatMulNBits`: weights of a few bits in blocks, each with a scale and a zero point. They are
//! decoded when the model is compiled; a weight is (code - zero point) · scale, rounded once.

use assay_referee::Bias;

use crate::{
	dims::{check_dims, product},
	error::{Failure, Result},
	ir::Value,
	lower::{quantization::packed::code, Cx},
};

/// The attributes: `n` rows of `k` weights, in blocks.
struct Form {
	n: u32,
	k: u32,
	bits: u32,
	block: u32,
	blocks: u32,
}

impl Form {
	fn new(cx: &Cx<'_, '_>) -> Result<Form> {
		let number = |name: &str, default: i64| {
			u32::try_from(cx.int(name, default)).ok().filter(|&number| number > 0).ok_or_else(
				|| Failure::invalid(format!("its attribute {name} is missing or out of range")),
			)
		};
		let (n, k, bits, block) =
			(number("N", 0)?, number("K", 0)?, number("bits", 4)?, number("block_size", 0)?);
		if !matches!(bits, 2 | 4 | 8) {
			return Err(Failure::unsupported(format!("{bits} bits are not supported")));
		}
		if !block.is_power_of_two() || block < 8 {
			return Err(Failure::invalid(format!("blocks of {block} weights")));
		}
		check_dims(&[n, k])?;
		Ok(Form { n, k, bits, block, blocks: k.div_ceil(block) })
	}

	/// Bytes of one row's codes; each block fills whole bytes.
	fn row_bytes(&self) -> u64 {
		u64::from(self.blocks) * u64::from(self.block) * u64::from(self.bits) / 8
	}

	/// Bytes of one row's packed zero points.
	fn zero_bytes(&self) -> u64 {
		(u64::from(self.blocks) * u64::from(self.bits)).div_ceil(8)
	}
}

fn constant(cx: &Cx<'_, '_>, i: usize) -> Result<Value> {
	let value = cx.input(i)?;
	if value.is_constant() {
		Ok(value)
	} else {
		Err(Failure::unsupported(format!("its input {i} is not a constant")))
	}
}

/// The zero point of every block, `[n, blocks]`.
fn zeros(cx: &Cx<'_, '_>, form: &Form) -> Result<Vec<f32>> {
	let count = u64::from(form.n) * u64::from(form.blocks);
	if cx.optional(3).is_none() {
		return Ok(vec![f32::from(1u8 << (form.bits - 1)); count as usize]);
	}
	let value = constant(cx, 3)?;
	if let Some(floats) = value.floats() {
		return if floats.len() as u64 == count {
			Ok(floats)
		} else {
			Err(Failure::invalid("its zero points do not fit its weights"))
		};
	}
	let bytes = value.bytes().unwrap_or_default();
	if bytes.len() as u64 != u64::from(form.n) * form.zero_bytes() {
		return Err(Failure::invalid("its zero points do not fit its weights"));
	}
	let rows = bytes.chunks_exact(form.zero_bytes() as usize);
	let row = |row| (0..form.blocks as usize).map(move |i| code(row, i, form.bits).into());
	Ok(rows.flat_map(row).collect())
}

/// Which scale and zero point of its row each of the `k` weights has, where the file says it: they were sorted by
/// how much they matter.
fn groups(cx: &Cx<'_, '_>, form: &Form) -> Result<Option<Vec<usize>>> {
	if cx.optional(4).is_none() {
		return Ok(None);
	}
	let list = constant(cx, 4)?.whole_numbers().unwrap_or_default();
	let place = |&place: &i64| usize::try_from(place).ok().filter(|&at| at < form.blocks as usize);
	let groups = list.iter().take(form.k as usize).map(place).collect::<Option<Vec<usize>>>();
	match groups.filter(|groups| groups.len() == form.k as usize) {
		Some(groups) => Ok(Some(groups)),
		None => Err(Failure::invalid("its g_idx does not fit its weights")),
	}
}

/// The weights `[n, k]`.
fn decoded(cx: &mut Cx<'_, '_>, form: &Form) -> Result<Value> {
	let (packed, scales) = (constant(cx, 1)?, constant(cx, 2)?);
	let bytes = packed.bytes().unwrap_or_default();
	let scales = scales.floats().unwrap_or_default();
	let row_bytes = form.row_bytes();
	// Before anything is made in the declared size.
	let fits = bytes.len() as u64 == row_bytes * u64::from(form.n)
		&& packed.dtype.size() == 1
		&& scales.len() as u64 == u64::from(form.n) * u64::from(form.blocks);
	if !fits {
		return Err(Failure::invalid("its weights or scales do not have the declared size"));
	}
	let (zeros, groups) = (zeros(cx, form)?, groups(cx, form)?);
	cx.b.spend(product(&[form.n, form.k]) * 4)?;
	let (block, blocks) = (form.block as usize, form.blocks as usize);
	let mut weights = Vec::with_capacity(product(&[form.n, form.k]) as usize);
	for (row, codes) in bytes.chunks_exact(row_bytes as usize).enumerate() {
		for i in 0..form.k as usize {
			let at = row * blocks + groups.as_ref().map_or(i / block, |groups| groups[i]);
			weights.push((f32::from(code(codes, i, form.bits)) - zeros[at]) * scales[at]);
		}
	}
	Ok(Value::list_f32(&weights, vec![1, form.n, form.k]))
}

pub(crate) fn matmul(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let a = cx.float_input(0)?;
	let form = Form::new(cx)?;
	if a.dims.last() != Some(&form.k) {
		return Err(Failure::invalid(format!("{:?} has not {} columns", a.dims, form.k)));
	}
	let b = decoded(cx, &form)?;
	let rows = (a.elements() / u64::from(form.k)) as u32;
	let mut dims = a.dims.clone();
	dims[a.rank() - 1] = form.n;
	let a = a.view(vec![1, rows, form.k])?;
	let bias = match cx.optional(5) {
		Some(bias) => Some((Bias::Column, bias.view(vec![form.n])?)),
		None => None,
	};
	cx.b.matmul(a, b, bias, 1)?.view(dims)
}
