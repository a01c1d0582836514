//! Arithmetic of shapes.

use assay_referee::{MAX_RANK, MAX_TENSOR_BYTES};

use crate::error::{Failure, Result};

/// Dimensions, outermost first. Zero occurs in constants only.
pub(crate) type Dims = Vec<u32>;

/// Number of elements; the dimensions have passed [`check_dims`].
pub(crate) fn product(dims: &[u32]) -> u64 {
	dims.iter().map(|&d| u64::from(d)).product()
}

/// Refuses dimensions that no tensor may have. Zero is accepted here.
pub(crate) fn check_dims(dims: &[u32]) -> Result<()> {
	if dims.len() > MAX_RANK {
		return Err(Failure::too_large(format!(
			"a tensor has {} dimensions, the most is {MAX_RANK}",
			dims.len()
		))
		.help("join some of them with Reshape when the model is exported"));
	}
	let mut elements = 1u64;
	for &dim in dims {
		elements = elements.saturating_mul(u64::from(dim.max(1)));
	}
	if elements > MAX_TENSOR_BYTES {
		return Err(Failure::too_large(format!(
			"a tensor of shape {dims:?} exceeds the limit of 1 GiB"
		)));
	}
	Ok(())
}

/// The shape that `a` and `b` broadcast to.
pub(crate) fn broadcast(a: &[u32], b: &[u32]) -> Result<Dims> {
	let rank = a.len().max(b.len());
	let at = |dims: &[u32], i: usize| (i + dims.len()).checked_sub(rank).map_or(1, |i| dims[i]);
	(0..rank)
		.map(|i| match (at(a, i), at(b, i)) {
			(x, y) if x == y || y == 1 => Ok(x),
			(1, y) => Ok(y),
			_ => Err(Failure::invalid(format!("shapes {a:?} and {b:?} do not fit together"))),
		})
		.collect()
}

/// Row-major strides, in elements.
pub(crate) fn strides(dims: &[u32]) -> Vec<i64> {
	let mut step = 1i64;
	let mut strides: Vec<i64> = dims
		.iter()
		.rev()
		.map(|&dim| {
			let this = step;
			step *= i64::from(dim.max(1));
			this
		})
		.collect();
	strides.reverse();
	strides
}

/// The position of an axis that may count from the end.
pub(crate) fn axis(axis: i64, rank: usize) -> Result<usize> {
	let wrapped = if axis < 0 { axis.saturating_add(rank as i64) } else { axis };
	usize::try_from(wrapped).ok().filter(|&axis| axis < rank).ok_or_else(|| {
		Failure::invalid(format!("axis {axis} does not exist in a tensor of {rank} dimensions"))
	})
}

/// Distinct positions of axes that may count from the end, ascending.
pub(crate) fn axes(list: &[i64], rank: usize) -> Result<Vec<usize>> {
	let mut found = list.iter().map(|&a| axis(a, rank)).collect::<Result<Vec<_>>>()?;
	found.sort_unstable();
	if found.windows(2).any(|pair| pair[0] == pair[1]) {
		return Err(Failure::invalid(format!("axes {list:?} name one axis twice")));
	}
	Ok(found)
}

/// Dimensions from signed numbers.
pub(crate) fn from_list(list: &[i64]) -> Result<Dims> {
	let dims = list.iter().map(|&value| u32::try_from(value)).collect::<Result<Dims, _>>();
	let dims = dims.map_err(|_| {
		if list.iter().any(|&value| value < 0) {
			Failure::invalid(format!("{list:?} is not a possible shape"))
		} else {
			Failure::too_large(format!("a tensor of shape {list:?} exceeds the limit of 1 GiB"))
		}
	})?;
	check_dims(&dims)?;
	Ok(dims)
}
