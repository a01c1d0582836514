//! Keeps the channels of images last from where they are computed to the convolutions that read them so, so
//! that no transposed copies are stored and committed to.

use std::collections::BTreeMap;

use assay_referee::{ImageLayout, OpKind, MAX_RANK};

use super::epilogues::with_epilogue;
use crate::{
	dims::{product, strides, Dims},
	ir::{users, Op, Origin, Value},
};

/// Sweeps after which the search ends without a result: a file may be made to need very many.
const SWEEPS: usize = 16;

/// Operands, besides the first, of which an elementwise op with the channels last has a value for each channel
/// or more. Kernels spread each over the pixels, which with the channels first they need not; from three on
/// that costs more than a copy, which an untraced run leaves to the convolution.
const SPREAD: usize = 2;

/// Computes with the channels last what is transposed for its readers, where nothing reads it otherwise and
/// what it is made of can be had so too: the output of a convolution, a movement, values one after another,
/// an elementwise op, which may also move one value that it reads. Drops the transpositions.
pub(crate) fn join_layouts(ops: &mut [Op], root: usize, live: &[bool]) {
	transpose(ops, root, live, true);
}

/// The same for what is computed of values that are transposed already: reductions can take that in, which
/// read of all of them the transposed ones.
pub(crate) fn compute_transposed(ops: &mut [Op], root: usize, live: &[bool]) {
	transpose(ops, root, live, false);
}

fn transpose(ops: &mut [Op], root: usize, live: &[bool], last: bool) {
	let users = users(ops, live);
	let copies = (0..root).filter(|&i| live[i]).filter_map(|i| Some((i, copy(&ops[i])?))).collect();
	let mut search = Search { ops, users: &users, root, last, copies, images: BTreeMap::new() };
	search.propose();
	search.refute();
	let Search { copies, images, .. } = &search;
	let transposed: Vec<(usize, Op)> =
		images.keys().filter_map(|&i| Some((i, search.transposed(i)?))).collect();
	let reading = |i: usize, user: usize| {
		let reads = !copies.contains_key(&user) && ops[user].operands[1..].first()?.op() == Some(i);
		reads.then_some(user).filter(|&user| matches!(ops[user].kind, OpKind::Conv(_)))
	};
	let readers: Vec<usize> = images
		.keys()
		.flat_map(|&i| users[i].iter().filter_map(move |&user| reading(i, user)))
		.collect();
	let dropped: Vec<(usize, usize)> = copies
		.iter()
		.map(|(&i, &(source, _))| (i, source))
		.filter(|(_, source)| images.contains_key(source))
		.collect();
	for (i, op) in transposed {
		ops[i] = op;
	}
	for user in readers {
		read_last(&mut ops[user]);
	}
	for (i, source) in dropped {
		for &user in &users[i] {
			let reads = ops[user].operands.iter_mut().filter(|value| value.op() == Some(i));
			reads.for_each(|value| value.origin = Origin::Op(source));
		}
	}
}

/// What the elements of an op's output are with the channels first: so many images of so many channels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Image {
	count: u32,
	channels: u32,
}

/// What a strided op transposes, if that is all it does: the op, and what its output is.
fn copy(op: &Op) -> Option<(usize, Image)> {
	let OpKind::Strided { offset: 0, strides: steps } = op.kind else { return None };
	let source = op.operands.first().filter(|_| op.epilogue.is_none())?;
	let mut dims = op.dims.iter().zip(steps).filter(|(&dim, _)| dim > 1).rev();
	let (&channels, pixels) = dims.next().filter(|(_, pixels)| *pixels > 1)?;
	let mut expected = 1;
	for (&dim, step) in dims {
		if expected == pixels {
			expected = expected.checked_mul(channels.into())?;
		}
		if step != expected {
			return None;
		}
		expected = expected.checked_mul(dim.into())?;
	}
	let all = i64::try_from(product(&op.dims)).ok()?;
	let one = i64::from(channels).checked_mul(pixels)?;
	// Of one image, the pixels come to their end with the dimensions.
	let ends = expected == pixels || expected == all;
	let fits = ends && all % one == 0 && source.elements() == product(&op.dims);
	let count = u32::try_from(all / one).ok()?;
	fits.then_some((source.op()?, Image { count, channels }))
}

/// Reads the image with the channels last that has them first.
fn read_last(op: &mut Op) {
	let (OpKind::Conv(conv), &[n, c, h, w]) = (&mut op.kind, op.operands[1].dims.as_slice()) else {
		return;
	};
	conv.layout = ImageLayout::ChannelsLast;
	op.operands[1].dims = vec![n, h, w, c];
}

struct Search<'a> {
	ops: &'a [Op],
	users: &'a [Vec<usize>],
	root: usize,
	/// Whether convolutions give and read images so, and elementwise ops move what they read.
	last: bool,
	/// The transpositions, what they read, and as what.
	copies: BTreeMap<usize, (usize, Image)>,
	/// The ops whose outputs may have the channels last.
	images: BTreeMap<usize, Image>,
}

impl Search<'_> {
	/// Names what is transposed, and what it is computed from in the order of the elements.
	fn propose(&mut self) {
		for &(source, image) in self.copies.values() {
			self.images.entry(source).or_insert(image);
		}
		for i in (0..self.root).rev() {
			let op = &self.ops[i];
			let Some(order) = self.order(i) else { continue };
			for value in &op.operands[followers(op)..] {
				let moved = order.seen(&value.dims).filter(|seen| seen.moves);
				if let (Some(j), Some(seen)) = (value.op(), moved) {
					self.images.entry(j).or_insert(seen.image);
				}
			}
		}
		self.images.retain(|i, _| !self.copies.contains_key(i));
	}

	/// Withdraws what is read otherwise too or cannot be had so, until nothing more changes.
	fn refute(&mut self) {
		for sweep in 0..SWEEPS {
			let mut named: Vec<usize> = self.images.keys().copied().collect();
			// What follows from a reader, then what follows from an operand.
			if sweep % 2 == 0 {
				named.reverse();
			}
			for &i in &named {
				if !self.is_read_so(i) || self.transposed(i).is_none() {
					self.images.remove(&i);
				}
			}
			if self.images.len() == named.len() {
				return;
			}
		}
		self.images.clear();
	}

	fn order(&self, i: usize) -> Option<Order> {
		Order::new(&self.ops[i], *self.images.get(&i)?)
	}

	/// Whether all that read op `i` can read it with the channels last.
	fn is_read_so(&self, i: usize) -> bool {
		let Some(&image) = self.images.get(&i) else { return false };
		let reads = |&user: &usize| {
			if let Some(copy) = self.copies.get(&user) {
				return *copy == (i, image);
			}
			let (op, order) = (&self.ops[user], self.order(user));
			let mut operands = op.operands.iter().enumerate();
			operands.all(|(at, value)| match &order {
				_ if value.op() != Some(i) => true,
				Some(order) if at >= followers(op) => {
					order.seen(&value.dims).is_some_and(|seen| seen.image == image)
				},
				_ => self.last && at == 1 && reads_last(op, image),
			})
		};
		i != self.root && self.users[i].iter().all(reads)
	}

	/// A transposition of the output of op `j` before op `i`.
	fn copy_of(&self, j: usize, image: Image, i: usize) -> Option<usize> {
		self.copies.range(..i).find(|(_, copy)| **copy == (j, image)).map(|(&at, _)| at)
	}

	/// Op `i` with the channels last.
	fn transposed(&self, i: usize) -> Option<Op> {
		let (op, order) = (&self.ops[i], self.order(i)?);
		let varying = op.operands.iter().filter(|value| value.elements() > 1).count();
		let quick =
			if op.is_elementwise() { !self.last || varying <= 1 + SPREAD } else { self.last };
		if !quick {
			return None;
		}
		let mut transposed = Op { dims: order.seen(&op.dims)?.dims, ..op.clone() };
		// What the op itself has to move.
		let mut own: Option<&Value> = None;
		for (at, value) in op.operands.iter().enumerate().skip(followers(op)) {
			let seen = order.seen(&value.dims)?;
			let known = value.op().and_then(|j| self.images.get(&j));
			transposed.operands[at].dims = seen.dims;
			if !seen.moves || known == Some(&seen.image) {
				continue;
			}
			if let Some(copy) = value.op().and_then(|j| self.copy_of(j, seen.image, i)) {
				transposed.operands[at].origin = Origin::Op(copy);
				continue;
			}
			if own.is_some_and(|own| !own.is_same(value)) {
				return None;
			}
			own = Some(value);
		}
		match &mut transposed.kind {
			OpKind::Conv(conv) => conv.output = ImageLayout::ChannelsLast,
			OpKind::Concat { axis } => {
				*axis = order.places(op.dims.len())?[usize::from(*axis)] as u8
			},
			OpKind::Strided { strides, .. } => *strides = order.steps(strides, op.dims.len())?,
			_ => {},
		}
		let Some(value) = own else { return Some(transposed).filter(Op::is_judged) };
		if !op.is_elementwise() || !self.last {
			return None;
		}
		let mut steps = [0; MAX_RANK];
		for ((place, step), &dim) in steps.iter_mut().zip(strides(&value.dims)).zip(&value.dims) {
			*place = if dim > 1 { step } else { 0 };
		}
		let kind = OpKind::Strided { offset: 0, strides: order.steps(&steps, op.dims.len())? };
		let (dims, operands) = (transposed.dims.clone(), vec![value.clone()]);
		let moving = Op { kind, dtype: value.dtype, dims, operands, ..transposed.clone() };
		// No op has this number.
		let number = usize::MAX;
		for (place, other) in transposed.operands.iter_mut().zip(&op.operands) {
			if other.is_same(value) {
				(place.dims, place.origin) = (moving.dims.clone(), Origin::Op(number));
			}
		}
		with_epilogue(&moving, number, &transposed)
	}
}

/// Whether a convolution reads an image that it can read with the channels last. Others than those of all
/// channels at once are faster with the channels first.
fn reads_last(op: &Op, image: Image) -> bool {
	let OpKind::Conv(conv) = op.kind else { return false };
	let &[count, channels, _, _] = op.operands[1].dims.as_slice() else { return false };
	let mut joined = op.clone();
	read_last(&mut joined);
	conv.layout == ImageLayout::ChannelsFirst
		&& conv.groups == 1
		&& image == Image { count, channels }
		&& joined.is_judged()
}

/// The first of the operands whose elements lie as those of the op's output do.
fn followers(op: &Op) -> usize {
	match op.kind {
		OpKind::Concat { .. } => 0,
		_ if op.is_elementwise() => 0,
		kind => kind.own_operands().unwrap_or(op.operands.len()),
	}
}

/// How the dimensions of an op's output, and of what broadcasts to it, are put in another order.
enum Order {
	/// Those from the first number up to the second come last.
	Parts(usize, usize),
	/// Of a convolution with so many images, groups and filters of each.
	Products([u32; 3]),
}

/// A view with the channels last.
struct Seen {
	dims: Dims,
	image: Image,
	/// Whether its elements are in another order then.
	moves: bool,
}

impl Order {
	fn new(op: &Op, image: Image) -> Option<Order> {
		let Image { count, channels } = image;
		if let OpKind::Conv(conv) = op.kind {
			let &[batch, m, _] = op.dims.as_slice() else { return None };
			let fits = conv.output == ImageLayout::ChannelsFirst
				&& count.checked_mul(conv.groups) == Some(batch)
				&& m.checked_mul(conv.groups) == Some(channels);
			return fits.then_some(Order::Products([count, conv.groups, m]));
		}
		let ends = |from: usize, size: u32| {
			(from..=op.dims.len()).find(|&to| product(&op.dims[from..to]) == u64::from(size))
		};
		let first = ends(0, count)?;
		let last = ends(first, channels)?;
		let follows = match op.kind {
			OpKind::Concat { axis } => {
				let axis = usize::from(axis);
				(first..last).contains(&axis) && product(&op.dims[first..axis]) == 1
			},
			OpKind::Strided { .. } => true,
			_ => op.is_elementwise(),
		};
		follows.then_some(Order::Parts(first, last))
	}

	/// A view that broadcasts to the op's shape; `None` where it has no such order.
	fn seen(&self, view: &[u32]) -> Option<Seen> {
		let (dims, count, channels) = match *self {
			Order::Parts(first, last) => {
				let (images, rest) = view.split_at_checked(first)?;
				let (channels, pixels) = rest.split_at_checked(last - first)?;
				let dims = [images, pixels, channels].concat();
				(dims, product(images), product(channels))
			},
			Order::Products([count, groups, m]) => {
				let &[batch, rows, places] = view else { return None };
				let (images, channels) = match (batch, rows) {
					(1, 1) => (1, 1),
					_ if groups == 1 => (batch, rows),
					// Of one image the entries are the groups.
					_ if batch == count * groups && rows == m => (count, groups * m),
					_ => return None,
				};
				(vec![images, places, channels], images.into(), channels.into())
			},
		};
		let image = Image { count: count.try_into().ok()?, channels: channels.try_into().ok()? };
		let pixels = product(&dims) / (count * channels);
		Some(Seen { dims, image, moves: channels > 1 && pixels > 1 })
	}

	/// Where each of so many dimensions comes.
	fn places(&self, rank: usize) -> Option<Vec<usize>> {
		let Order::Parts(first, last) = *self else { return None };
		let place = |dim: usize| match dim {
			_ if dim < first => dim,
			_ if dim < last => dim + rank - last,
			_ => dim + first - last,
		};
		Some((0..rank).map(place).collect())
	}

	/// The steps of so many dimensions in their new order.
	fn steps(&self, steps: &[i64; MAX_RANK], rank: usize) -> Option<[i64; MAX_RANK]> {
		let mut transposed = [0; MAX_RANK];
		for (place, step) in self.places(rank)?.into_iter().zip(steps) {
			transposed[place] = *step;
		}
		Some(transposed)
	}
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
mod tests {
	use super::*;
	use assay_referee::DType;

	#[test]
	fn views_with_the_channels_last() {
		for (view, sizes, expected) in [
			([1, 1, 1], [2, 3, 4], Some(([1, 1, 1], false))),
			([1, 1, 9], [2, 3, 4], Some(([1, 9, 1], false))),
			([3, 4, 1], [1, 3, 4], Some(([1, 1, 12], false))),
			([1, 4, 1], [1, 1, 4], Some(([1, 1, 4], false))),
			([3, 1, 1], [1, 3, 1], Some(([1, 1, 3], false))),
			([3, 1, 1], [1, 3, 4], None),
			([1, 4, 1], [1, 3, 4], None),
			([6, 4, 1], [2, 3, 4], Some(([2, 1, 12], false))),
			([3, 4, 9], [1, 3, 4], Some(([1, 9, 12], true))),
			([2, 4, 9], [2, 1, 4], Some(([2, 9, 4], true))),
		] {
			let seen = Order::Products(sizes).seen(&view).map(|seen| (seen.dims, seen.moves));
			let expected = expected.map(|(dims, moves)| (Vec::from(dims), moves));
			assert_eq!(seen, expected, "{view:?} {sizes:?}");
		}
		let order = Order::Parts(1, 3);
		assert_eq!(order.places(5).unwrap(), [0, 3, 4, 1, 2]);
		let seen = order.seen(&[2, 3, 1, 1, 5]).unwrap();
		assert_eq!((seen.dims, seen.moves), (vec![2, 1, 5, 3, 1], true));
		assert_eq!(seen.image, Image { count: 2, channels: 3 });
	}

	#[test]
	fn copies_with_the_channels_last() {
		for (dims, steps, expected) in [
			(&[1, 4, 5, 3][..], &[0, 5, 1, 20][..], Some((1, 3))),
			(&[2, 4, 5, 3], &[60, 5, 1, 20], Some((2, 3))),
			(&[20, 3], &[1, 20], Some((1, 3))),
			(&[4, 5, 1, 3], &[5, 1, 0, 20], Some((1, 3))),
			// Rows and columns exchanged, images last, a channel, a part.
			(&[1, 5, 4, 3], &[0, 1, 5, 20], None),
			(&[4, 5, 2, 3], &[5, 1, 60, 20], None),
			(&[4, 5, 1], &[5, 1, 0], None),
			(&[1, 4, 2, 3], &[0, 5, 1, 20], None),
		] {
			let mut strides = [0; MAX_RANK];
			strides[..steps.len()].copy_from_slice(steps);
			let elements =
				if dims.contains(&2) && dims[0] == 1 { 60 } else { product(dims) as u32 };
			let (dtype, origin) = (DType::F32, Origin::Op(7));
			let source = Value { dtype, element: dtype.into(), dims: vec![elements], origin };
			let kind = OpKind::Strided { offset: 0, strides };
			let (dims, operands) = (dims.to_vec(), vec![source]);
			let op = Op { kind, dtype, dims, operands, epilogue: None, node: 0 };
			let expected = expected.map(|(count, channels)| (7, Image { count, channels }));
			assert_eq!(copy(&op), expected, "{op:?}");
		}
	}
}
