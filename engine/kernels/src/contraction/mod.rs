//! `MatMul` and `Conv` records as contraction problems.

mod gemm;
mod integer;
pub(crate) mod recur;

use crate::{
	cpu::{view, Buffer},
	output::{ChannelsLastWriter, EpilogueWriter, Target},
	transpose::transpose,
	Arg, Isa, KernelConfig,
};
use assay_referee::{Bias, Conv, DType, ImageLayout, OpKind, OpRecord, Operand, Shape, MAX_RANK};
use core::{cell::RefCell, slice};
use gemm::{BiasRef, Image, Lhs, Matrix, PackedLhs, PackedRhs, Problem, Rhs};

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
///
/// # Examples
///
/// ```
/// use assay_kernels::{execute, execute_with, prepare, Arg, Buffer, KernelConfig};
/// use assay_referee::*;
///
/// // `[1, 64] · [64, 100]`, of which the weights are given by columns.
/// let input = Operand::input(0, DType::F32, Shape::new(&[1, 1, 64])?);
/// let weights = Operand::weight(0, DType::F32, Shape::new(&[1, 100, 64])?);
/// let kind = OpKind::MatMul { bias: Bias::None };
/// let op = OpRecord::new(kind, DType::F32, Shape::new(&[1, 1, 100])?, [input, weights]);
/// # let roots = |n: u16| (0..n).flat_map(|i| f32::from(i).sqrt().to_le_bytes());
/// # let floats = |n| Buffer::from_bytes(&roots(n).collect::<Vec<u8>>());
/// # let (x, w) = (floats(64), floats(6400));
/// let config = KernelConfig::default();
/// // Once for a model, to be used in every run; no bit is another one than without.
/// let prepared = prepare(&op, 1, &w, config.isa()).expect("a product profits");
/// let (mut fast, mut plain) = (Buffer::new(400), Buffer::new(400));
/// let args = [Arg::Bytes(&x), Arg::Prepared(&prepared, &w)];
/// execute_with(&op, &args, None, &mut fast, &config)?;
/// execute(&op, &[&x, &w], &mut plain, &config)?;
/// assert_eq!(fast[..], plain[..]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
	let [all, m, n] = product_dims(op)?;
	let packed = match operand {
		0 if has_few_columns(op) || is_in_place(op, isa) => {
			Packed::Rhs(PackedRhs::new(data, batches, rows, k, isa))
		},
		// Packing a dense left operand costs next to nothing when there are many columns.
		0 if m > 1 && n > 1 => {
			Packed::Lhs(PackedLhs::new(data, batches, rows, k, gemm::max_rows(isa), isa))
		},
		1 if n > 1 => {
			let (batches, rows) = if joins(op) { (1, batches * rows) } else { (batches, rows) };
			let data = Matrix::dense(data.data, [batches, rows, k])?;
			let one_row = m == 1 && all == 1 && batches == 1;
			Packed::Rhs(if one_row {
				PackedRhs::for_one_row(data, rows, k, isa)
			} else {
				PackedRhs::new(data, batches, rows, k, isa)
			})
		},
		_ => return None,
	};
	Some(Prepared(packed))
}

/// Most columns of a product that is computed as the few rows that its transpose is: panels of
/// columns would be mostly empty.
const FEW_COLUMNS: usize = 8;

/// Whether a product, of one left matrix, has so few columns.
fn has_few_columns(op: &OpRecord) -> bool {
	let one_left = op.operands.first().is_some_and(|a| a.shape.dims().first() == Some(&1));
	one_left && product_dims(op).is_some_and(|[_, m, n]| n <= FEW_COLUMNS && m > 2 * n)
}

/// Least windows in a row, and least channels, for which windows are read where they are.
const LEAST_WINDOWS: usize = 6;
const LEAST_CHANNELS: usize = 8;

/// Whether a convolution is computed as the transposed product, of windows that are read where they are
/// with filters that lie ready: nothing is gathered, but the columns are the filters then, which have to
/// fill their panels.
fn is_in_place(op: &OpRecord, isa: Isa) -> bool {
	let (OpKind::Conv(conv), Some(filters)) = (op.kind, op.operands.first()) else { return false };
	let (Some((image, _)), Some([_, m, n])) = (geometry(op), product_dims(op)) else {
		return false;
	};
	let panel = gemm::panel_width(isa);
	// What a number of columns costs: a half panel is half of the work, but reads as much of the rows.
	let cost = |columns: usize| match columns % panel {
		0 => columns,
		rest if 2 * rest <= panel => columns - rest + panel * 5 / 8,
		rest => columns - rest + panel,
	};
	// Gathering takes some 15 per cent. Pixels are not gathered but copied or transposed, which takes less
	// than putting the result in order.
	let gain = if conv.kernel == [1, 1] && conv.stride == [1, 1] { 92 } else { 115 };
	let (own, other) = (cost(m) * n, cost(n) * m);
	conv.groups == 1
		&& conv.bias != Bias::Column
		&& filters.shape.dims().first() == Some(&1)
		&& image.out[1] >= LEAST_WINDOWS
		&& image.channels >= LEAST_CHANNELS
		&& own * 100 <= other * gain
		&& !has_few_columns(op)
		&& image.are_near(m)
}

/// `[batch, m, n]` of a product.
fn product_dims(op: &OpRecord) -> Option<[usize; 3]> {
	match op.kind {
		OpKind::Conv(conv) => conv.product(&op.shape).map(|dims| dims.map(|dim| dim as usize)),
		_ => dims3(&op.shape),
	}
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
/// a product, or the transposed image of a convolution.
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
	let alone = op.epilogue.is_none();
	alike
		&& alone
		&& op.shape == *view
		&& op.operands.iter().all(|x| x.shape.elements() == view.elements())
}

fn dims3(shape: &Shape) -> Option<[usize; 3]> {
	match shape.dims() {
		&[a, b, c] => Some([a as usize, b as usize, c as usize]),
		_ => None,
	}
}

/// Computes a contraction; false when the operands' alignment or kind rules
/// the fast path out.
pub(crate) fn run(op: &OpRecord, args: &[Arg<'_>], out: &mut [u8], cfg: &KernelConfig) -> bool {
	let done = match op.kind {
		OpKind::MatMul { bias } => {
			Target::whole(out, op).and_then(|target| matmul(op, bias, args, target, cfg))
		},
		OpKind::Conv(conv) => {
			Target::whole(out, op).and_then(|target| self::conv(op, &conv, args, target, cfg))
		},
		OpKind::MatMulInteger => {
			Target::whole(out, op).and_then(|target| integer::run(op, args, target, cfg))
		},
		_ => None,
	};
	done.is_some()
}

/// Computes a contraction whose result `writer` takes part by part; false when the operands' alignment or
/// kind rules that out.
pub(crate) fn run_with_epilogue(
	op: &OpRecord,
	args: &[Arg<'_>],
	writer: &EpilogueWriter<'_>,
	cfg: &KernelConfig,
) -> bool {
	let done = match op.kind {
		OpKind::MatMul { bias } => matmul(op, bias, args, Target::Epilogue(writer), cfg),
		OpKind::Conv(conv) => self::conv(op, &conv, args, Target::Epilogue(writer), cfg),
		OpKind::MatMulInteger => integer::run(op, args, Target::Epilogue(writer), cfg),
		_ => None,
	};
	done.is_some()
}

fn matmul(
	op: &OpRecord,
	bias: Bias,
	args: &[Arg<'_>],
	target: Target<'_, f32>,
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
	contract(op, bias, args, (rhs, size[0]), target, cfg)
}

fn conv(
	op: &OpRecord,
	conv: &Conv,
	args: &[Arg<'_>],
	target: Target<'_, f32>,
	cfg: &KernelConfig,
) -> Option<()> {
	let [_, m, n] = product_dims(op)?;
	let (bytes, layout) = match *args.get(1)? {
		Arg::Patches { unfold, image } => (fusible_operand(unfold, op) == Some(1))
			.then_some((image, ImageLayout::ChannelsFirst))?,
		Arg::Bytes(bytes) | Arg::Prepared(_, bytes) => (bytes, conv.layout),
	};
	let image = image_of(op, view(bytes)?)?;
	if is_in_place(op, cfg.isa) {
		let channels_last = layout == ImageLayout::ChannelsLast;
		let image = Image { channels_last, ..image.joined() };
		return in_place(op, conv, args, &image, target, cfg);
	}
	let writer;
	let target = match conv.output {
		ImageLayout::ChannelsFirst => target,
		ImageLayout::ChannelsLast => {
			writer = ChannelsLastWriter::new(target, conv.groups as usize, m, n)?;
			Target::ChannelsLast(&writer)
		},
	};
	match layout {
		ImageLayout::ChannelsFirst => contract_windows(op, conv, args, &image, target, cfg),
		ImageLayout::ChannelsLast => channels_last(op, conv, args, (bytes, image), target, cfg),
	}
}

/// A convolution of an image `[n, h, w, c]`.
fn channels_last(
	op: &OpRecord,
	conv: &Conv,
	args: &[Arg<'_>],
	(bytes, image): (&[u8], Image<'_>),
	target: Target<'_, f32>,
	cfg: &KernelConfig,
) -> Option<()> {
	let [n, c, h, w] = conv.image(&op.operands.get(1)?.shape)?;
	let size = [n, h * w, c].map(|dim| dim as usize);
	if image.groups == 1 && image.is_pixels() {
		let rhs = Rhs::Rows(Matrix::dense(image.data, size)?);
		return contract(op, conv.bias, args, (rhs, size[0]), target, cfg);
	}
	if image.groups == 1 && image.channels > 1 && !has_few_columns(op) && image.has_regions() {
		let image = Image { channels_last: true, ..image };
		return contract_windows(op, conv, args, &image, target, cfg);
	}
	// As many elements as the operand, so both shapes are within their limits.
	let operand = Operand::input(0, DType::F32, Shape::new(&[n, h * w, c]).ok()?);
	let mut strides = [0; MAX_RANK];
	let steps = [i64::from(h * w) * i64::from(c), 1, c.into()];
	strides[..3].copy_from_slice(&steps);
	let shape = Shape::new(&[n, c, h * w]).ok()?;
	let turn = OpRecord::new(OpKind::Strided { offset: 0, strides }, DType::F32, shape, [operand]);
	IMAGE.with(|image| {
		let image = &mut *image.borrow_mut();
		let elements = shape.elements() as usize;
		image.grow(elements);
		crate::execute(&turn, &[bytes], &mut image[..elements * 4], cfg).ok()?;
		let image = image_of(op, &image.floats()[..elements])?;
		contract_windows(op, conv, args, &image, target, cfg)
	})
}

/// A convolution whose windows are read where they are.
fn in_place(
	op: &OpRecord,
	conv: &Conv,
	args: &[Arg<'_>],
	image: &Image<'_>,
	target: Target<'_, f32>,
	cfg: &KernelConfig,
) -> Option<()> {
	let [batch, filters, places] = product_dims(op)?;
	let size = dims3(&op.operands.first()?.shape)?;
	let bias = match (conv.bias, args.get(2)) {
		(Bias::None, _) => BiasRef::None,
		(Bias::Row, Some(Arg::Bytes(bytes))) => BiasRef::Column(addend(bytes, filters, 1)?),
		_ => return None,
	};
	let writer;
	let target = match conv.output {
		ImageLayout::ChannelsLast => target,
		ImageLayout::ChannelsFirst => {
			// Filters and windows have changed places.
			writer = ChannelsLastWriter::new(target, 1, places, filters)?;
			Target::ChannelsLast(&writer)
		},
	};
	let problem = Problem {
		batch,
		m: places,
		n: filters,
		k: size[2],
		lhs: Lhs::Windows(image),
		lhs_batches: batch,
		rhs: rhs(*args.first()?, size, cfg.isa)?,
		rhs_batches: 1,
		entry: filters,
		bias,
	};
	gemm::run_to(&problem, target, cfg.threads, cfg.isa);
	Some(())
}

thread_local! {
	/// An image with the channels put first.
	static IMAGE: RefCell<Buffer> = RefCell::default();
}

/// The image of a convolution, `[n, c, h, w]`.
fn image_of<'a>(op: &OpRecord, data: &'a [f32]) -> Option<Image<'a>> {
	let (image, len) = geometry(op)?;
	(data.len() == len).then_some(Image { data, ..image })
}

/// The image whose windows an `Unfold` or a convolution reads, without its elements, and how many these
/// are.
fn geometry(op: &OpRecord) -> Option<(Image<'static>, usize)> {
	let (shape, window, groups, fill) = match op.kind {
		OpKind::Conv(conv) => {
			let shape = conv.image(&op.operands.get(1)?.shape)?;
			let window = [conv.kernel, conv.stride, conv.dilation, conv.pad, conv.out];
			(shape, window, conv.groups, 0.0)
		},
		OpKind::Unfold { kernel, stride, dilation, pad, out, groups, fill } => {
			let &shape = <&[u32; 4]>::try_from(op.operands.first()?.shape.dims()).ok()?;
			(shape, [kernel, stride, dilation, pad, out], groups, f32::from_bits(fill as u32))
		},
		_ => return None,
	};
	let [images, channels, height, width] = shape.map(|dim: u32| dim as usize);
	let [kernel, stride, dilation, pad, out] = window.map(|pair| pair.map(|x| x as usize));
	let groups = groups as usize;
	let image = Image {
		data: &[],
		channels_last: false,
		channels,
		height,
		width,
		groups,
		kernel,
		stride,
		dilation,
		pad,
		out,
		fill,
	};
	Some((image, images * channels * height * width))
}

/// A convolution of an image.
fn contract_windows(
	op: &OpRecord,
	conv: &Conv,
	args: &[Arg<'_>],
	image: &Image<'_>,
	target: Target<'_, f32>,
	cfg: &KernelConfig,
) -> Option<()> {
	let [batch, ..] = product_dims(op)?;
	contract(op, conv.bias, args, (Rhs::Image(image), batch), target, cfg)
}

/// The products of the left operand with a right one of so many batches.
fn contract(
	op: &OpRecord,
	bias: Bias,
	args: &[Arg<'_>],
	(rhs, rhs_batches): (Rhs<'_>, usize),
	target: Target<'_, f32>,
	cfg: &KernelConfig,
) -> Option<()> {
	let [batch, m, n] = product_dims(op)?;
	let lhs_size = dims3(&op.operands.first()?.shape)?;
	let [lhs_batches, _, k] = lhs_size;
	let bias = match (bias, args.get(2)) {
		(Bias::None, _) => BiasRef::None,
		(Bias::Row, Some(Arg::Bytes(bytes))) => BiasRef::Row(addend(bytes, m, lhs_batches)?),
		(Bias::Column, Some(Arg::Bytes(bytes))) => BiasRef::Column(addend(bytes, n, rhs_batches)?),
		_ => return None,
	};
	let left = *args.first()?;
	if let Some((lhs, bias)) = of_transpose(op, rhs, bias) {
		// Products commute, so no bit changes.
		let rhs = self::rhs(left, lhs_size, cfg.isa)?;
		let (lhs_batches, rhs_batches) = (rhs_batches, lhs_batches);
		let problem =
			Problem { batch, m: n, n: m, k, lhs, lhs_batches, rhs, rhs_batches, entry: m, bias };
		if n == 1 && !matches!(target, Target::ChannelsLast(_)) {
			gemm::run_to(&problem, target, cfg.threads, cfg.isa);
			return Some(());
		}
		solved(&problem, cfg, |rows| match target {
			Target::ChannelsLast(writer) => {
				for (entry, rows) in rows.chunks_exact(m * n).enumerate() {
					// SAFETY: the entries of the whole output, one after another.
					unsafe { writer.lines(rows, [entry, 0, 0], m) };
				}
			},
			Target::Whole(_) | Target::Epilogue(_) => filled(target, batch * m * n, |out| {
				for (rows, out) in rows.chunks_exact(m * n).zip(out.chunks_exact_mut(m * n)) {
					transpose(rows, m, n, m, out, n);
				}
			}),
		});
		return Some(());
	}
	let lhs = lhs(left, lhs_size, cfg.isa)?;
	let entry = n;
	let problem = Problem { batch, m, n, k, lhs, lhs_batches, rhs, rhs_batches, entry, bias };
	match (rhs, target) {
		(Rhs::Rows(_) | Rhs::Packed(_), Target::Whole(_) | Target::Epilogue(_)) if joins(op) => {
			joined(problem, target, cfg);
		},
		_ => gemm::run_to(&problem, target, cfg.threads, cfg.isa),
	}
	Some(())
}

/// A bias of `len` elements, for each entry of the batch or for all.
fn addend(bytes: &[u8], len: usize, batches: usize) -> Option<&[f32]> {
	view(bytes).filter(|bias| bias.len() == len || bias.len() == len * batches)
}

/// Solves a problem of one left operand and a right one for each entry of the batch, whose rows or
/// packed panels follow each other, as a product of one matrix with all of them: the left operand is
/// packed once, and the right ones make no narrow panels.
fn joined(problem: Problem<'_>, target: Target<'_, f32>, cfg: &KernelConfig) {
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
	if m == 1 && matches!(target, Target::Whole(_)) {
		return gemm::run_to(&as_one, target, cfg.threads, cfg.isa);
	}
	if n.is_multiple_of(gemm::panel_width(cfg.isa)) {
		let as_one = Problem { entry: n, ..as_one };
		return gemm::run_to(&as_one, target, cfg.threads, cfg.isa);
	}
	solved(&as_one, cfg, |rows| {
		filled(target, m * all, |out| {
			for (entry, out) in out.chunks_exact_mut(m * n).enumerate() {
				for (row, out) in rows.chunks_exact(all).zip(out.chunks_exact_mut(n)) {
					out.copy_from_slice(&row[entry * n..][..n]);
				}
			}
		});
	});
}

/// Gives a target, of so many elements, what `fill` writes, all at once.
fn filled(target: Target<'_, f32>, len: usize, fill: impl FnOnce(&mut [f32])) {
	match target {
		// SAFETY: the target is the whole output, of which the caller has the only borrow.
		Target::Whole(out) => fill(unsafe { slice::from_raw_parts_mut(out.0, len) }),
		Target::Epilogue(writer) => ORDERED.with(|space| {
			let space = &mut *space.borrow_mut();
			space.grow(len);
			fill(&mut space.floats_mut()[..len]);
			// SAFETY: the whole output, and all of the result.
			unsafe { writer.run(&space[..len * 4], 0) };
		}),
		Target::ChannelsLast(_) => debug_assert!(false, "only convolutions put channels last"),
	}
}

thread_local! {
	/// What a product gives before it is put in order.
	static RESULT: RefCell<Buffer> = RefCell::default();
	/// What an epilogue takes of it then.
	static ORDERED: RefCell<Buffer> = RefCell::default();
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

/// The left operand and the bias of the transpose of a product of few columns.
fn of_transpose<'a>(
	op: &OpRecord,
	rhs: Rhs<'a>,
	bias: BiasRef<'a>,
) -> Option<(Lhs<'a>, BiasRef<'a>)> {
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
	has_few_columns(op).then_some((lhs, bias))
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
