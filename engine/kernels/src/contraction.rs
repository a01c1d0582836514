//! `MatMul` and `Conv` records as contraction problems.

use crate::{
	buffer::Buffer,
	gemm::{self, BiasRef, Image, Lhs, Matrix, PackedLhs, PackedRhs, Problem, Rhs},
	integer, recur,
	reduce::{self, Rows},
	view::{view, view_mut},
	Arg, Isa, KernelConfig,
};
use assay_referee::{Bias, Conv, DType, ImageLayout, OpKind, OpRecord, ReduceFn, Shape};
use core::cell::RefCell;

/// An operand rearranged once for an instruction set, to be used in many executions.
#[derive(Debug)]
pub struct Prepared(Packed);

#[derive(Debug)]
enum Packed {
	Lhs(PackedLhs),
	Rhs(PackedRhs),
	Recur(recur::Weights),
	Integer(integer::Packed),
}

impl Prepared {
	/// The weights of a recurrence.
	pub(crate) fn recurrent(&self) -> Option<&recur::Weights> {
		match &self.0 {
			Packed::Recur(weights) => Some(weights),
			_ => None,
		}
	}

	/// An operand of an 8-bit contraction.
	pub(crate) fn integer(&self) -> Option<&integer::Packed> {
		match &self.0 {
			Packed::Integer(packed) => Some(packed),
			_ => None,
		}
	}
}

/// Rearranges operand `operand` of `op`, a weight with these bytes, for [`crate::execute_with`]
/// under `isa`; `None` when the op would not profit.
pub fn prepare(op: &OpRecord, operand: usize, bytes: &[u8], isa: Isa) -> Option<Prepared> {
	if let OpKind::Recur { .. } = op.kind {
		return recur::prepare(op, operand, bytes, isa).map(|w| Prepared(Packed::Recur(w)));
	}
	if op.kind == OpKind::MatMulInteger {
		return integer::prepare(op, operand, bytes, isa).map(|x| Prepared(Packed::Integer(x)));
	}
	let (OpKind::MatMul { .. } | OpKind::Conv(_)) = op.kind else { return None };
	let size = dims3(&op.operands.get(operand)?.shape)?;
	let [batches, rows, k] = size;
	let data = Matrix::dense(view::<f32>(bytes)?, size)?;
	let [_, m, n] = dims3(&op.shape)?;
	let packed = match operand {
		0 if is_narrow(op) => Packed::Rhs(PackedRhs::new(data, batches, rows, k, isa)),
		// Packing a dense left operand costs next to nothing when there are many columns.
		0 if m > 1 && n > 1 => {
			Packed::Lhs(PackedLhs::new(data, batches, rows, k, gemm::max_rows(isa), isa))
		},
		1 if n > 1 => {
			let (batches, rows) = if joins(op) { (1, batches * rows) } else { (batches, rows) };
			let data = Matrix::dense(data.data, [batches, rows, k])?;
			Packed::Rhs(PackedRhs::new(data, batches, rows, k, isa))
		},
		_ => return None,
	};
	Some(Prepared(packed))
}

/// Most columns of a product that is computed as the few rows that its transpose is: panels of
/// columns would be mostly empty.
const NARROW: u32 = 8;

/// Whether a product, of one left matrix, has so few columns.
fn is_narrow(op: &OpRecord) -> bool {
	let one_left = op.operands.first().is_some_and(|a| a.shape.dims().first() == Some(&1));
	one_left && matches!(op.shape.dims(), &[_, m, n] if n <= NARROW && m > 2 * n)
}

/// Whether all matrices of a batch share one left operand and have right ones of their own, which then
/// are the columns of one product.
fn joins(op: &OpRecord) -> bool {
	let batches =
		|at: usize| op.operands.get(at).and_then(|operand| operand.shape.dims().first()).copied();
	let all = op.shape.dims().first().copied().filter(|&all| all > 1);
	let product = matches!(op.kind, OpKind::MatMul { .. });
	product && all.is_some() && batches(0) == Some(1) && batches(1) == all
}

/// The operand of `op` that can be what `unfold` gives without its being written out: the windows of
/// a product or of a pooling, or the transposed image of a convolution.
pub(crate) fn fusible_operand(unfold: &OpRecord, op: &OpRecord) -> Option<usize> {
	if let OpKind::Conv(conv) = op.kind {
		return is_channels_last(unfold, &conv, &op.operands.get(1)?.shape).then_some(1);
	}
	let OpKind::Unfold { .. } = unfold.kind else { return None };
	let float = unfold.dtype == DType::F32;
	let &[n, groups, places, terms] = unfold.shape.dims() else { return None };
	match op.kind {
		OpKind::MatMul { .. } | OpKind::MatMulInteger
			if float == (op.kind != OpKind::MatMulInteger) =>
		{
			let b = op.operands.get(1)?;
			let fits = b.shape.dims() == [n * groups, places, terms] && b.dtype == unfold.dtype;
			fits.then_some(1)
		},
		OpKind::Reduce(_) if float => {
			let x = op.operands.first()?.shape;
			(x.last() == terms && reduce::takes_windows(terms as usize)).then_some(0)
		},
		_ => None,
	}
}

/// Whether `op` puts the channels of an image last, as a convolution reads it.
fn is_channels_last(op: &OpRecord, conv: &Conv, view: &Shape) -> bool {
	let OpKind::Strided { offset: 0, strides } = op.kind else { return false };
	let (ImageLayout::ChannelsLast, Some([_, c, h, w])) = (conv.layout, conv.image(view)) else {
		return false;
	};
	let [c, h, w] = [c, h, w].map(i64::from);
	let steps = [c * h * w, w, 1, h * w];
	let alike = view.dims().iter().zip(steps).zip(strides).all(|((&dim, step), own)| {
		// A dimension of one is never stepped along.
		dim == 1 || step == own
	});
	alike && op.shape == *view && op.operands.iter().all(|x| x.shape.elements() == view.elements())
}

fn dims3(shape: &Shape) -> Option<[usize; 3]> {
	match shape.dims() {
		&[a, b, c] => Some([a as usize, b as usize, c as usize]),
		_ => None,
	}
}

/// Computes a contraction or a reduction of patches; false when the operands' alignment or kind rules
/// the fast path out.
pub(crate) fn run(op: &OpRecord, args: &[Arg<'_>], out: &mut [u8], cfg: &KernelConfig) -> bool {
	let done = match op.kind {
		OpKind::MatMul { bias } => matmul(op, bias, args, out, cfg),
		OpKind::Conv(conv) => self::conv(op, &conv, args, out, cfg),
		OpKind::MatMulInteger => integer::run(op, args, out, cfg),
		OpKind::Reduce(function) => pool(op, function, args, out, cfg),
		_ => None,
	};
	done.is_some()
}

fn pool(
	op: &OpRecord,
	function: ReduceFn,
	args: &[Arg<'_>],
	out: &mut [u8],
	cfg: &KernelConfig,
) -> Option<()> {
	let &[Arg::Patches { unfold, image }] = args else { return None };
	let image = self::image(unfold, image).filter(|_| fusible_operand(unfold, op) == Some(0))?;
	let out = view_mut::<f32>(out).filter(|out| out.len() as u64 == op.shape.elements())?;
	let k = unfold.shape.last() as usize;
	reduce::run_f32(function, Rows::Image(&image), k, out, cfg);
	Some(())
}

fn matmul(
	op: &OpRecord,
	bias: Bias,
	args: &[Arg<'_>],
	out: &mut [u8],
	cfg: &KernelConfig,
) -> Option<()> {
	let size = dims3(&op.operands.get(1)?.shape)?;
	let image;
	let rhs = match *args.get(1)? {
		Arg::Patches { unfold, image: bytes } => {
			image =
				self::image(unfold, bytes).filter(|_| fusible_operand(unfold, op) == Some(1))?;
			Rhs::Image(&image)
		},
		right => rhs(right, size, cfg.isa)?,
	};
	contract(op, bias, args, (rhs, size[0]), out, cfg)
}

fn conv(
	op: &OpRecord,
	conv: &Conv,
	args: &[Arg<'_>],
	out: &mut [u8],
	cfg: &KernelConfig,
) -> Option<()> {
	let dims = conv.image(&op.operands.get(1)?.shape)?.map(|dim| dim as usize);
	let turned;
	let data = match (*args.get(1)?, conv.layout) {
		(Arg::Patches { unfold, image }, _) => {
			view::<f32>(image).filter(|_| fusible_operand(unfold, op) == Some(1))?
		},
		(Arg::Bytes(bytes) | Arg::Prepared(_, bytes), ImageLayout::ChannelsFirst) => {
			view::<f32>(bytes)?
		},
		(Arg::Bytes(bytes) | Arg::Prepared(_, bytes), ImageLayout::ChannelsLast) => {
			turned = channels_first(view::<f32>(bytes)?, dims)?;
			&turned[..]
		},
	};
	let [images, channels, height, width] = dims;
	let pair = |[a, b]: [u32; 2]| [a as usize, b as usize];
	let image = Image {
		data: Some(data).filter(|data| data.len() == images * channels * height * width)?,
		channels,
		height,
		width,
		groups: conv.groups as usize,
		kernel: pair(conv.kernel),
		stride: pair(conv.stride),
		dilation: pair(conv.dilation),
		pad: pair(conv.pad),
		out: pair(conv.out),
		fill: 0.0,
	};
	let batch = images * image.groups;
	contract(op, conv.bias, args, (Rhs::Image(&image), batch), out, cfg)
}

/// An image `[n, h, w, c]` with the channels put first.
fn channels_first(data: &[f32], [n, c, h, w]: [usize; 4]) -> Option<Vec<f32>> {
	let pixels = h * w;
	let mut turned = vec![0.0; n * c * pixels];
	if data.len() != turned.len() {
		return None;
	}
	for (from, to) in data.chunks_exact(c * pixels).zip(turned.chunks_exact_mut(c * pixels)) {
		for (channel, to) in to.chunks_exact_mut(pixels).enumerate() {
			to.iter_mut().zip(from[channel..].iter().step_by(c)).for_each(|(to, &x)| *to = x);
		}
	}
	Some(turned)
}

/// The products of the left operand with a right one of so many batches.
fn contract(
	op: &OpRecord,
	bias: Bias,
	args: &[Arg<'_>],
	(rhs, rhs_batches): (Rhs<'_>, usize),
	out: &mut [u8],
	cfg: &KernelConfig,
) -> Option<()> {
	let [batch, m, n] = dims3(&op.shape)?;
	let lhs_size = dims3(&op.operands.first()?.shape)?;
	let [lhs_batches, _, k] = lhs_size;
	let out = view_mut::<f32>(out).filter(|out| out.len() == batch * m * n)?;
	let bias = match (bias, args.get(2)) {
		(Bias::None, _) => BiasRef::None,
		(Bias::Row, Some(Arg::Bytes(bytes))) => {
			let bias = view::<f32>(bytes)?;
			if bias.len() != m && bias.len() != m * lhs_batches {
				return None;
			}
			BiasRef::Row(bias)
		},
		(Bias::Column, Some(Arg::Bytes(bytes))) => {
			let bias = view::<f32>(bytes)?;
			if bias.len() != n && bias.len() != n * rhs_batches {
				return None;
			}
			BiasRef::Column(bias)
		},
		_ => return None,
	};
	let left = *args.first()?;
	if let Some((lhs, bias)) = turned(op, rhs, bias) {
		// Products commute, so no bit changes.
		let rhs = self::rhs(left, lhs_size, cfg.isa)?;
		let (lhs_batches, rhs_batches) = (rhs_batches, lhs_batches);
		let (m, n, entry) = (n, m, m);
		let problem = Problem { batch, m, n, k, lhs, lhs_batches, rhs, rhs_batches, entry, bias };
		if m == 1 {
			gemm::run(&problem, out, cfg.threads, cfg.isa);
			return Some(());
		}
		solved(&problem, cfg, |rows| {
			for (rows, out) in rows.chunks_exact(m * n).zip(out.chunks_exact_mut(m * n)) {
				gemm::transpose(rows, n, m, n, out, m);
			}
		});
		return Some(());
	}
	let lhs = lhs(left, lhs_size, cfg.isa)?;
	let entry = n;
	let problem = Problem { batch, m, n, k, lhs, lhs_batches, rhs, rhs_batches, entry, bias };
	match rhs {
		Rhs::Rows(_) | Rhs::Packed(_) if joins(op) => joined(problem, out, cfg),
		_ => gemm::run(&problem, out, cfg.threads, cfg.isa),
	}
	Some(())
}

/// Solves a problem of one left operand and a right one for each entry of the batch, whose rows or
/// packed panels follow each other, as a product of one matrix with all of them: the left operand is
/// packed once, and the right ones make no narrow panels.
fn joined(problem: Problem<'_>, out: &mut [f32], cfg: &KernelConfig) {
	let Problem { batch, m, n, .. } = problem;
	let all = batch * n;
	let repeated;
	let bias = match problem.bias {
		BiasRef::Column(bias) if bias.len() == n => {
			repeated = bias.repeat(batch);
			BiasRef::Column(&repeated)
		},
		other => other,
	};
	let as_one = Problem { batch: 1, n: all, rhs_batches: 1, entry: all, bias, ..problem };
	if m == 1 {
		return gemm::run(&as_one, out, cfg.threads, cfg.isa);
	}
	if n.is_multiple_of(gemm::panel_width(cfg.isa)) {
		let as_one = Problem { entry: n, ..as_one };
		return gemm::run(&as_one, out, cfg.threads, cfg.isa);
	}
	solved(&as_one, cfg, |rows| {
		for (entry, out) in out.chunks_exact_mut(m * n).enumerate() {
			for (row, out) in rows.chunks_exact(all).zip(out.chunks_exact_mut(n)) {
				out.copy_from_slice(&row[entry * n..][..n]);
			}
		}
	});
}

thread_local! {
	/// What a product gives before it is put in order.
	static RESULT: RefCell<Buffer> = RefCell::default();
}

/// Solves a problem and hands over the result.
fn solved(problem: &Problem<'_>, cfg: &KernelConfig, then: impl FnOnce(&[f32])) {
	let len = problem.batch * problem.m * problem.n;
	RESULT.with(|space| {
		let mut space = space.borrow_mut();
		space.grow(len);
		let result = &mut space.floats_mut()[..len];
		gemm::run(problem, result, cfg.threads, cfg.isa);
		then(result);
	});
}

/// The left operand and the bias of a narrow product's transpose.
fn turned<'a>(op: &OpRecord, rhs: Rhs<'a>, bias: BiasRef<'a>) -> Option<(Lhs<'a>, BiasRef<'a>)> {
	let lhs = match rhs {
		Rhs::Rows(rows) => Lhs::Rows(rows),
		Rhs::Image(image) => image.as_one_row().map_or(Lhs::Image(image), Lhs::Rows),
		_ => return None,
	};
	let bias = match bias {
		BiasRef::None => BiasRef::None,
		BiasRef::Row(bias) => BiasRef::Column(bias),
		BiasRef::Column(_) => return None,
	};
	is_narrow(op).then_some((lhs, bias))
}

fn lhs<'a>(arg: Arg<'a>, size: [usize; 3], isa: Isa) -> Option<Lhs<'a>> {
	match arg {
		Arg::Prepared(Prepared(Packed::Lhs(packed)), _)
			if packed.max_rows == gemm::max_rows(isa) =>
		{
			Some(Lhs::Packed(packed))
		},
		Arg::Bytes(bytes) | Arg::Prepared(_, bytes) => {
			Some(Lhs::Rows(Matrix::dense(view(bytes)?, size)?))
		},
		Arg::Patches { .. } => None,
	}
}

fn rhs<'a>(arg: Arg<'a>, size: [usize; 3], isa: Isa) -> Option<Rhs<'a>> {
	match arg {
		Arg::Prepared(Prepared(Packed::Rhs(packed)), _)
			if packed.panel == gemm::panel_width(isa) =>
		{
			Some(Rhs::Packed(packed))
		},
		Arg::Bytes(bytes) | Arg::Prepared(_, bytes) => {
			Some(Rhs::Rows(Matrix::dense(view(bytes)?, size)?))
		},
		Arg::Patches { .. } => None,
	}
}

fn dense(bytes: &[u8], len: usize) -> Option<&[f32]> {
	view::<f32>(bytes).filter(|data| data.len() == len)
}

/// The image that an `Unfold` record reads patches of.
fn image<'a>(unfold: &OpRecord, bytes: &'a [u8]) -> Option<Image<'a>> {
	let (image, len) = geometry(unfold)?;
	Some(Image { data: dense(bytes, len)?, ..image })
}

/// The image of an `Unfold` record without its elements, and how many these are.
pub(crate) fn geometry(unfold: &OpRecord) -> Option<(Image<'static>, usize)> {
	let OpKind::Unfold { kernel, stride, dilation, pad, out, groups, fill } = unfold.kind else {
		return None;
	};
	let &[images, channels, height, width] = unfold.operands.first()?.shape.dims() else {
		return None;
	};
	let pair = |[a, b]: [u32; 2]| [a as usize, b as usize];
	let [images, channels, height, width] =
		[images, channels, height, width].map(|dim| dim as usize);
	let image = Image {
		data: &[],
		channels,
		height,
		width,
		groups: groups as usize,
		kernel: pair(kernel),
		stride: pair(stride),
		dilation: pair(dilation),
		pad: pair(pad),
		out: pair(out),
		fill: f32::from_bits(fill as u32),
	};
	Some((image, images * channels * height * width))
}
