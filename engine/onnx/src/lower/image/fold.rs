//! Operators that put windows back into an image.

use assay_referee::{DType, OpKind, ReduceFn, ScatterFn, MAX_RANK};

use crate::{
	dims::{self, product},
	error::{ErrorKind, Failure, Result},
	ir::Value,
	lower::{
		contraction::windows::Windows,
		movement::scatter::{check_types, scattered},
		Cx,
	},
};

/// The values at the indices that a maximum pool gave, zeros elsewhere.
pub(crate) fn max_unpool(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (x, indices) = (cx.input(0)?, cx.input(1)?);
	check_types(&x, &indices, &x)?;
	let sizes = x.dims.get(2..).ok_or_else(|| Failure::invalid("its input has no channels"))?;
	let kernel = cx.ints("kernel_shape").unwrap_or_default().to_vec();
	let windows = Windows::unplaced(cx, sizes, &kernel)?;
	let mut dims = vec![i64::from(x.dims[0]), i64::from(x.dims[1])];
	for axis in &windows.0 {
		let inner = (i64::from(axis.size) - 1) * i64::from(axis.stride);
		dims.push(inner + i64::from(axis.kernel) - i64::from(axis.before) - i64::from(axis.after));
	}
	let dims = dims::from_list(&dims)?;
	if indices.dims != x.dims {
		return Err(Failure::invalid("its indices do not fit its input"));
	}
	let total = product(&dims);
	cx.b.spend(total * x.dtype.size())?;
	let zeros = vec![0; (total * x.dtype.size()) as usize];
	let zeros = Value::constant(x.dtype, vec![1, total as u32], zeros);
	let count = x.elements() as u32;
	let (flat, updates) = (indices.view(vec![1, count])?, x.view(vec![1, count])?);
	let y = scattered(cx, ScatterFn::Replace, zeros, &flat, &updates)?.view(dims.clone())?;
	let Some(list) = cx.list_input(2)? else { return Ok(y) };
	let wanted = dims::from_list(&list)?;
	if wanted == dims {
		return Ok(y);
	}
	let larger = wanted.len() == dims.len() && wanted.iter().zip(&dims).all(|(a, b)| a >= b);
	if !larger {
		return Err(Failure::unsupported("an output shape smaller than its windows reach"));
	}
	cx.b.push(OpKind::Pad { before: [0; MAX_RANK], fill: 0 }, x.dtype, wanted, vec![y])
}

/// Adds up where windows overlap: every pixel gathers the entries that lie on it.
pub(crate) fn column_to_image(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.input(0)?;
	let missing = || Failure::invalid("its image or block shape is missing");
	let image = dims::from_list(&cx.list_input(1)?.ok_or_else(missing)?)?;
	let block = cx.list_input(2)?.ok_or_else(missing)?;
	dims::from_list(&block)?;
	let mut windows = Windows::unplaced(cx, &image, &block)?;
	for axis in &mut windows.0 {
		axis.place("NOTSET", false)?;
	}
	dims::check_dims(&windows.0.iter().map(|axis| axis.out).collect::<Vec<_>>())?;
	let &[n, rows, columns] = x.dims.as_slice() else {
		return Err(Failure::invalid("its input has not 3 dimensions"));
	};
	let entries: u64 = windows.0.iter().map(|axis| u64::from(axis.kernel)).product();
	let places: u64 = windows.0.iter().map(|axis| u64::from(axis.out)).product();
	if entries == 0 || u64::from(rows) % entries != 0 || u64::from(columns) != places {
		return Err(Failure::invalid(format!(
			"its input {:?} does not fit an image of {image:?} in blocks of {block:?}",
			x.dims
		)));
	}
	let channels = rows / entries as u32;
	cx.b.spend(entries.saturating_mul(places).saturating_mul(8))?;
	// A list for every pixel.
	cx.b.spend(product(&image) * 24)?;
	let lists = overlaps(&windows, entries, places, product(&image));
	let most = lists.iter().map(Vec::len).max().unwrap_or(0).max(1);
	cx.b.spend(lists.len() as u64 * most as u64 * 8)?;
	// An index beyond the end gives zero.
	let nothing = (entries * places) as i64;
	let indices: Vec<i64> = lists
		.iter()
		.flat_map(|list| (0..most).map(|i| list.get(i).copied().unwrap_or(nothing)))
		.collect();
	let batch = u64::from(n) * u64::from(channels);
	let flat = x.view(vec![batch as u32, nothing as u32])?;
	let dims = vec![batch as u32, lists.len() as u32, most as u32];
	dims::check_dims(&dims)?;
	let indices = Value::list_i64(&indices).view(dims[1..].to_vec())?;
	let picked = cx.b.push(OpKind::Gather { axis: 1 }, x.dtype, dims, vec![flat, indices])?;
	let mut out = vec![n, channels];
	out.extend_from_slice(&image);
	if x.dtype == DType::Bool {
		return Err(Failure::new(ErrorKind::UnsupportedType, "it is not supported for bool"));
	}
	cx.b.reduce_last(ReduceFn::Sum, &picked)?.view(out)
}

/// For every pixel, the entries of the columns that lie on it, ascending.
fn overlaps(windows: &Windows, entries: u64, places: u64, pixels: u64) -> Vec<Vec<i64>> {
	let mut lists = vec![Vec::new(); pixels as usize];
	for entry in 0..entries {
		for place in 0..places {
			if let Some(pixel) = pixel_of(windows, entry, place) {
				lists[pixel as usize].push((entry * places + place) as i64);
			}
		}
	}
	lists
}

/// The pixel under an entry of the window at a place; `None` in the padding.
fn pixel_of(windows: &Windows, mut entry: u64, mut place: u64) -> Option<u64> {
	let (mut pixel, mut step) = (0, 1);
	for axis in windows.0.iter().rev() {
		let k = entry % u64::from(axis.kernel);
		let window = place % u64::from(axis.out);
		entry /= u64::from(axis.kernel);
		place /= u64::from(axis.out);
		let at = (window * u64::from(axis.stride) + k * u64::from(axis.dilation))
			.checked_sub(axis.before.into())
			.filter(|&at| at < u64::from(axis.size))?;
		pixel += at * step;
		step *= u64::from(axis.size);
	}
	Some(pixel)
}
