//! Operators that order, repeat or join elements.

use crate::{
	dims::{self, axis, broadcast, product},
	error::{shown, Failure, Result},
	ir::Value,
	lower::Cx,
};

pub(crate) fn transpose(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.input(0)?;
	let permutation = match cx.ints("perm") {
		None => (0..x.rank()).rev().collect(),
		Some(list) => {
			let mut sorted = list.to_vec();
			sorted.sort_unstable();
			if sorted.iter().copied().ne(0..x.rank() as i64) {
				return Err(Failure::invalid(format!(
					"perm {list:?} is no permutation of {} dimensions",
					x.rank()
				)));
			}
			list.iter().map(|&i| i as usize).collect::<Vec<_>>()
		},
	};
	cx.b.transpose(&x, &permutation)
}

pub(crate) fn expand(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.input(0)?;
	let list = cx.list_input(1)?.ok_or_else(|| Failure::invalid("its shape is missing"))?;
	let dims = broadcast(&x.dims, &dims::from_list(&list)?)?;
	cx.b.expand(&x, dims)
}

pub(crate) fn concat(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let parts = cx.all_inputs()?;
	let at = axis(cx.int("axis", 1), parts[0].rank())?;
	cx.b.concat(&parts, at)
}

pub(crate) fn tile(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let mut x = cx.input(0)?;
	let repeats = cx.list_input(1)?.ok_or_else(|| Failure::invalid("its repeats are missing"))?;
	if repeats.len() != x.rank() {
		return Err(Failure::invalid(format!("{} repeats for {} axes", repeats.len(), x.rank())));
	}
	for (d, &count) in repeats.iter().enumerate() {
		if count == 1 {
			continue;
		}
		let mut dims: Vec<i64> = x.dims.iter().map(|&dim| dim.into()).collect();
		dims[d] = dims[d].saturating_mul(count);
		let dims = dims::from_list(&dims)?;
		let (outer, inner) = (product(&x.dims[..d]) as u32, product(&x.dims[d..]) as u32);
		let blocks = x.view(vec![outer, 1, inner])?;
		x = cx.b.expand(&blocks, vec![outer, count as u32, inner])?.view(dims)?;
	}
	Ok(x)
}

fn unknown_mode(mode: &str) -> Failure {
	Failure::invalid(format!("mode `{}` does not exist", shown(mode)))
}

pub(crate) fn depth_to_space(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.input(0)?;
	let &[n, c, h, w] = x.dims.as_slice() else {
		return Err(Failure::invalid("its input has not 4 dimensions"));
	};
	let s = dims::from_list(&[cx.int("blocksize", 0)])?[0];
	let area = s.checked_mul(s).filter(|&area| area > 0 && c % area == 0);
	let area =
		area.ok_or_else(|| Failure::invalid("its blocksize does not divide the channels"))?;
	let out = dims::from_list(&[n, c / area, h, w].map(i64::from))?;
	let result =
		[n.into(), (c / area).into(), i64::from(h) * i64::from(s), i64::from(w) * i64::from(s)];
	let result = dims::from_list(&result)?;
	let (view, permutation) = match cx.word("mode", "DCR")? {
		"DCR" => ([n, s, s, out[1], h, w], [0, 3, 4, 1, 5, 2]),
		"CRD" => ([n, out[1], s, s, h, w], [0, 1, 4, 2, 5, 3]),
		other => return Err(unknown_mode(other)),
	};
	let blocks = x.view(view.to_vec())?;
	cx.b.transpose(&blocks, &permutation)?.view(result)
}

pub(crate) fn space_to_depth(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.input(0)?;
	let &[n, c, h, w] = x.dims.as_slice() else {
		return Err(Failure::invalid("its input has not 4 dimensions"));
	};
	let s = dims::from_list(&[cx.int("blocksize", 0)])?[0];
	if s == 0 || h % s != 0 || w % s != 0 {
		return Err(Failure::invalid("its blocksize does not divide its input"));
	}
	let blocks = x.view(vec![n, c, h / s, s, w / s, s])?;
	let channels = u64::from(c) * u64::from(s) * u64::from(s);
	let channels = u32::try_from(channels).map_err(|_| Failure::too_large("too many channels"))?;
	let permutation = match cx.word("mode", "DCR")? {
		"DCR" => [0, 3, 5, 1, 2, 4],
		"CRD" => [0, 1, 3, 5, 2, 4],
		other => return Err(unknown_mode(other)),
	};
	cx.b.transpose(&blocks, &permutation)?.view(vec![n, channels, h / s, w / s])
}
