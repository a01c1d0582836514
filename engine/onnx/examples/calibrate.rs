//! Measures this machine against the table of `assay_referee::program::cost`.
//!
//! ```sh
//! cargo run --release --locked -p assay-onnx --example calibrate -- [--isa LEVEL] [--factor F] [FOLDER]
//! ```
//!
//! Times every op of the models, and ops of every kind that are made up, each alone on one thread with the
//! kernels of LEVEL (AVX2 where there is, which the table is made for). FOLDER has the fetched models;
//! without it `ASSAY_MODELS`, then `~/.cache/assay/models`; what is not there is left out. Prints, for each
//! kind, the time measured, that of the table and the worst op, and the same for whole models. Exits with 1
//! when an op, a kind or a model takes more than F times (1) what the table says: then the table is too
//! low for this machine, which must not be admitted, or for a kernel, which the table must follow. An op
//! alone may take twice as much as that. The machine must be idle: other work's time counts.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use assay_executor::{Bundle, Manifest, Options, Session};
use assay_kernels::{Isa, KernelConfig};
use assay_onnx::{compile, CompileOptions};
use assay_referee::program::cost::run_picoseconds;
use assay_referee::*;
use assay_testing::onnx::seeded;

mod timed;

/// A model's file and the sizes it is compiled for: dimensions, shapes of inputs, fixed inputs.
type Fetched = (
	&'static str,
	&'static [(&'static str, u32)],
	&'static [(&'static str, &'static [u32])],
	&'static [(&'static str, i64)],
);

const FETCHED: &[Fetched] = &[
	("magika.onnx", &[("unk__214", 1)], &[], &[]),
	("minilm.onnx", &[("batch_size", 1), ("sequence_length", 128)], &[], &[]),
	("ppocr_det.onnx", &[], &[("x", &[1, 3, 480, 480])], &[]),
	("ppocr_rec.onnx", &[], &[("x", &[1, 3, 48, 320])], &[]),
	("silero_vad.onnx", &[], &[("input", &[1, 576]), ("state", &[2, 1, 128])], &[("sr", 16_000)]),
	("light_squeezenet.onnx", &[], &[], &[]),
	("light_shufflenet.onnx", &[], &[], &[]),
	("light_resnet50.onnx", &[], &[], &[]),
];

/// Where ops cost less than this many picoseconds, by the table, their time is mostly the clock's.
const SMALL: u64 = 20_000_000;

/// Measured and by the table, in microseconds, and the op that takes most of what the table says.
#[derive(Default)]
struct Row {
	count: u32,
	measured: f64,
	table: f64,
	worst: (f64, String),
}

#[derive(Default)]
struct Rows {
	kinds: BTreeMap<String, Row>,
	models: Vec<(String, f64, f64)>,
}

impl Rows {
	fn add(&mut self, name: &str, op: &OpRecord, measured: f64) {
		let table = run_picoseconds(op);
		let row = self.kinds.entry(kind(op)).or_default();
		let ratio = measured / (table as f64 / 1e6);
		row.count += 1;
		row.measured += measured;
		row.table += table as f64 / 1e6;
		if table > SMALL && ratio > row.worst.0 {
			let views: Vec<String> =
				op.operands.iter().map(|o| format!("{:?} {}", o.dtype, o.shape)).collect();
			row.worst = (
				ratio,
				format!("{name}: {op} {} -> {:?} {}", views.join(", "), op.dtype, op.shape),
			);
		}
	}

	/// Times every op of a model, and the model.
	fn measure(&mut self, name: &str, bundle: Bundle, isa: Isa) -> Result<(), Box<dyn Error>> {
		let bundle = Arc::new(bundle);
		let inputs = seeded::inputs(bundle.manifest(), |_| 2);
		let input = bundle.manifest().pack_bytes(&inputs)?;
		let times = timed::ops(&bundle, &input, &KernelConfig::new(1, isa), 5)?;
		for (op, time) in bundle.program().ops.iter().zip(times) {
			if let Some(time) = time {
				self.add(name, op, time * 1e3);
			}
		}
		let session = Session::new(bundle.clone(), Options { threads: 1, isa: Some(isa) });
		let mut best = f64::INFINITY;
		for _ in 0..20 {
			let start = Instant::now();
			session.run(&input)?;
			best = best.min(start.elapsed().as_secs_f64() * 1e6);
		}
		self.models.push((name.to_owned(), best, bundle.program().run_micros() as f64));
		Ok(())
	}
}

/// The op's kind and function.
fn kind(op: &OpRecord) -> String {
	let own = match op.kind {
		OpKind::Map(_) => "Map".to_owned(),
		OpKind::MapReduce { .. } => "MapReduce".to_owned(),
		OpKind::Conv(_) => "Conv".to_owned(),
		OpKind::Pool(_) => "Pool".to_owned(),
		OpKind::Unfold { .. } => "Unfold".to_owned(),
		kind => kind.to_string(),
	};
	if op.epilogue.is_some() {
		own + " + steps"
	} else {
		own
	}
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
	let (mut isa, mut factor, mut folder) = (Isa::detect(), 1.0, None);
	if let Ok(avx2) = "avx2".parse() {
		isa = avx2;
	}
	let mut words = std::env::args().skip(1);
	while let Some(word) = words.next() {
		match word.as_str() {
			"--isa" => isa = words.next().ok_or("--isa takes a level")?.parse()?,
			"--factor" => factor = words.next().ok_or("--factor takes a number")?.parse()?,
			_ => folder = Some(PathBuf::from(word)),
		}
	}
	let cache =
		|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache/assay/models"));
	let folder =
		folder.or_else(|| std::env::var_os("ASSAY_MODELS").map(PathBuf::from)).or_else(cache);
	let mut rows = Rows::default();
	for op in made_up() {
		let name = op.to_string();
		rows.measure(&name, alone(op)?, isa)?;
	}
	rows.models.clear();
	let digits = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/digits/digits.onnx");
	let mut all =
		vec![(digits, CompileOptions { dims: [("N".into(), 8)].into(), ..Default::default() })];
	for (file, dims, shapes, values) in FETCHED {
		let Some(path) =
			folder.as_ref().map(|folder| folder.join(file)).filter(|path| path.is_file())
		else {
			eprintln!("{file}: not there");
			continue;
		};
		let options = CompileOptions {
			dims: dims.iter().map(|&(name, size)| (name.into(), size)).collect(),
			shapes: shapes.iter().map(|&(name, dims)| (name.into(), dims.to_vec())).collect(),
			values: values.iter().map(|&(name, value)| (name.into(), vec![value])).collect(),
			..Default::default()
		};
		all.push((path, options));
	}
	for (path, options) in all {
		let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
		rows.measure(&name, compile(&std::fs::read(&path)?, &options)?.bundle()?, isa)?;
	}
	Ok(print(&rows, isa, factor))
}

fn print(rows: &Rows, isa: Isa, factor: f64) -> ExitCode {
	let mut worst: f64 = 0.0;
	println!("one thread, {isa}; microseconds measured, by the table, measured / table");
	for (kind, row) in &rows.kinds {
		let ratio = row.measured / row.table;
		// What is as short as the clock's error says nothing.
		if row.table > f64::from(row.count) * 20.0 {
			worst = worst.max(ratio);
		}
		worst = worst.max(row.worst.0 / 2.0);
		println!("{:12.1} {:12.1} {ratio:7.3}  {:4} x {kind}", row.measured, row.table, row.count);
		if row.worst.0 > ratio.max(0.3) {
			println!("{:33.3}  worst: {}", row.worst.0, row.worst.1);
		}
	}
	for (name, measured, table) in &rows.models {
		worst = worst.max(measured / table);
		println!("{measured:12.1} {table:12.1} {:7.3}  model {name}", measured / table);
	}
	println!("worst: {worst:.3} of the table (an op alone counts half); the most is {factor}");
	ExitCode::from(u8::from(worst > factor))
}

/// A model of one op, whose operands are inputs but for those that mostly are weights.
fn alone(mut op: OpRecord) -> Result<Bundle, Box<dyn Error>> {
	let (own, mut inputs, mut weights) = (op.self_operand(), Vec::new(), Vec::new());
	let is_weight = |at: usize| match op.kind {
		OpKind::MatMul { .. } | OpKind::Recur { .. } | OpKind::MatMulInteger => at > 0,
		OpKind::Conv(_) => at != 1,
		// There can be no more inputs.
		_ => at > 8,
	};
	let is_weight: Vec<bool> = (0..op.operands.len()).map(is_weight).collect();
	for (at, operand) in op.operands.iter_mut().enumerate() {
		if own == Some(at) {
			operand.source = Source::Op(0);
		} else if is_weight[at] {
			weights.resize(weights.len().next_multiple_of(ALIGN as usize), 0);
			operand.source = Source::Weight(weights.len() as u64);
			let elements = operand.shape.elements();
			weights.extend((0..elements).flat_map(|i| match operand.dtype {
				DType::F32 => ((i % 1009) as f32 / 1009.0 - 0.5).to_le_bytes().to_vec(),
				dtype => (i % 7).to_le_bytes()[..dtype.size() as usize].to_vec(),
			}));
		} else {
			let spec = TensorSpec::new(operand.dtype, operand.shape);
			inputs.push(spec);
			let layout = Layout::new(inputs.iter().map(TensorSpec::bytes));
			operand.source = Source::Input(layout.offsets[inputs.len() - 1]);
		}
	}
	let names: Vec<String> = (0..inputs.len()).map(|i| format!("x{i}")).collect();

	let spec = TensorSpec::new(op.dtype, op.shape);
	let program = Program::new(weights.len() as u64, inputs, vec![spec], vec![op]);
	let manifest = Manifest::new(&program, tree::hash(&weights), &names, &["y".to_owned()])?;
	Ok(Bundle::new(program, &weights, manifest)?)
}

/// Ops of every kind and function, of some microseconds to milliseconds.
fn made_up() -> Vec<OpRecord> {
	use DType::{Bool, F32, I32, I64, I8, U8};
	let shape = |dims: &[u32]| Shape::new(dims).expect("a small shape");
	let new = |kind, dtype, dims: &[u32], operands: &[(DType, &[u32])]| {
		let operand = |&(dtype, dims): &(DType, &[u32])| Operand::weight(0, dtype, shape(dims));
		OpRecord::new(kind, dtype, shape(dims), operands.iter().map(operand).collect::<Vec<_>>())
	};
	let mut ops = Vec::new();
	let flat: &[u32] = &[40, 1000];
	for &function in UnaryFn::ALL {
		ops.push(match function {
			UnaryFn::Not => new(OpKind::Unary(function), Bool, flat, &[(Bool, flat)]),
			UnaryFn::IsNan => new(OpKind::Unary(function), Bool, flat, &[(F32, flat)]),
			_ => new(OpKind::Unary(function), F32, flat, &[(F32, flat)]),
		});
	}
	for &function in BinaryFn::ALL {
		for from in [F32, I64] {
			let to = if function.is_comparison() { Bool } else { from };
			for other in [flat, &[1, 1000], &[40, 1]] {
				let op = new(OpKind::Binary(function), to, flat, &[(from, flat), (from, other)]);
				ops.extend(Some(op).filter(|op| op.validate().is_ok()));
			}
		}
	}
	for from in DType::ALL {
		ops.extend(DType::ALL.map(|to| new(OpKind::Cast, to, flat, &[(from, flat)])));
	}
	for &format in FloatFormat::ALL {
		let kind = OpKind::RoundTo { format, overflow: Overflow::Saturate };
		ops.push(new(kind, F32, flat, &[(F32, flat)]));
	}
	ops.push(new(OpKind::Select, F32, flat, &[(Bool, flat), (F32, flat), (F32, &[1, 1])]));
	let mut strides = [0; MAX_RANK];
	for (a, b) in [(1, 200), (200, 1), (-1, -200), (0, 1)] {
		(strides[0], strides[1]) = (a, b);
		let offset = if a < 0 { 39_999 } else { 0 };
		ops.push(new(OpKind::Strided { offset, strides }, F32, &[200, 200], &[(F32, &[40_000])]));
		ops.push(new(OpKind::Strided { offset, strides }, U8, &[200, 200], &[(U8, &[40_000])]));
	}
	let mut before = [0; MAX_RANK];
	(before[2], before[3]) = (1, 1);
	let pad = OpKind::Pad { before, fill: 0 };
	ops.push(new(pad, F32, &[1, 16, 58, 58], &[(F32, &[1, 16, 56, 56])]));
	ops.push(new(
		OpKind::Concat { axis: 1 },
		F32,
		&[99, 400],
		&[(F32, &[99, 100]); 4].map(|(t, d)| (t, &d[..])),
	));
	ops.push(new(
		OpKind::Concat { axis: 1 },
		F32,
		&[20_000, 2],
		&[(F32, &[20_000, 1]), (F32, &[20_000, 1])],
	));
	ops.push(new(
		OpKind::Gather { axis: 0 },
		F32,
		&[500, 100],
		&[(F32, &[2000, 100]), (I64, &[500])],
	));
	ops.push(new(
		OpKind::Gather { axis: 1 },
		F32,
		&[100, 500],
		&[(F32, &[100, 50]), (I32, &[500])],
	));
	let pack: [(DType, &[u32]); 2] = [(F32, &[20_000]), (I64, &[10_000])];
	ops.push(new(OpKind::Pack, U8, &[160_000], &pack));
	for (kernel, stride, groups, dtype) in [([3, 3], [1, 1], 1, F32), ([3, 3], [2, 2], 4, U8)] {
		let out = [56 / stride[0], 56 / stride[1]];
		let kind =
			OpKind::Unfold { kernel, stride, dilation: [1, 1], pad: [1, 1], out, groups, fill: 0 };
		let dims = [1, groups, out[0] * out[1], 8 / groups * 9];
		ops.push(new(kind, dtype, &dims, &[(dtype, &[1, 8, 56, 56])]));
	}
	for [ba, bb, m, n, k] in [
		[1, 1, 1, 1024, 1024],
		[1, 1, 1, 4096, 512],
		[1, 1, 64, 64, 64],
		[1, 1, 128, 384, 384],
		[1, 1, 300, 7, 5],
		[1, 1, 7, 300, 33],
		[12, 12, 64, 64, 32],
		[64, 1, 1, 64, 64],
		[1, 1, 1, 1, 16_384],
	] {
		let batch = ba.max(bb);
		let kind = OpKind::MatMul { bias: Bias::Column };
		ops.push(new(
			kind,
			F32,
			&[batch, m, n],
			&[(F32, &[ba, m, k]), (F32, &[bb, n, k]), (F32, &[n])],
		));
		let operands: [(DType, &[u32]); 4] =
			[(U8, &[ba, m, k]), (I8, &[bb, n, k]), (U8, &[]), (I8, &[n])];
		ops.push(new(OpKind::MatMulInteger, I32, &[batch, m, n], &operands));
	}
	for &function in ReduceFn::ALL {
		for dtype in [F32, I64, U8] {
			ops.push(new(OpKind::Reduce(function), dtype, &[40], &[(dtype, &[40, 1000])]));
			ops.push(new(OpKind::Reduce(function), dtype, &[4000], &[(dtype, &[4000, 10])]));
		}
	}
	for dtype in [F32, I64, U8] {
		ops.push(new(OpKind::ArgMax, I64, &[40], &[(dtype, &[40, 1000])]));
		ops.push(new(OpKind::TopK { largest: true }, I64, &[40, 10], &[(dtype, &[40, 1000])]));
		ops.push(new(OpKind::TopK { largest: false }, I64, &[1, 8000], &[(dtype, &[1, 16_000])]));
	}
	for &function in ScatterFn::ALL {
		let operands: [(DType, &[u32]); 3] =
			[(F32, &[40, 500]), (I64, &[40, 300]), (F32, &[40, 300])];
		ops.push(new(OpKind::Scatter(function), F32, &[40, 500], &operands));
	}
	for layout in [ImageLayout::ChannelsFirst, ImageLayout::ChannelsLast] {
		for (kernel, stride, channels, groups, m, size) in [
			([1, 1], [1, 1], 64, 1, 64, 28),
			([3, 3], [1, 1], 32, 1, 32, 28),
			([3, 3], [2, 2], 3, 1, 16, 96),
			([7, 7], [2, 2], 3, 1, 32, 64),
			([3, 3], [1, 1], 64, 64, 1, 28),
			([5, 5], [2, 2], 64, 64, 1, 28),
			([1, 5], [1, 1], 16, 4, 8, 28),
		] {
			let pad = kernel.map(|side| side / 2);
			let out = stride.map(|step| (size - 1) / step + 1);
			let output = layout;
			let conv = Conv {
				kernel,
				stride,
				dilation: [1, 1],
				pad,
				out,
				groups,
				layout,
				output,
				bias: Bias::Row,
			};
			let places = out[0] * out[1];
			let (image, dims) = match layout {
				ImageLayout::ChannelsFirst => ([1, channels, size, size], [groups, m, places]),
				ImageLayout::ChannelsLast => ([1, size, size, channels], [1, places, groups * m]),
			};
			let filters = [groups, m, channels / groups * kernel[0] * kernel[1]];
			let op = new(
				OpKind::Conv(conv),
				F32,
				&dims,
				&[(F32, &filters), (F32, &image), (F32, &[groups, m])],
			);
			ops.extend(Some(op).filter(|op| leaf_bound(op, &Place::alone(op)).is_within_limits()));
		}
	}
	for (function, kernel, stride) in [
		(ReduceFn::Max, [3, 3], [2, 2]),
		(ReduceFn::Sum, [2, 2], [2, 2]),
		(ReduceFn::Sum, [28, 28], [1, 1]),
	] {
		let out = [0, 1].map(|d| (56 - kernel[d]) / stride[d] + 1);
		let pool = Pool { function, kernel, stride, dilation: [1, 1], pad: [0, 0], out };
		for dtype in [F32, I32] {
			ops.push(new(
				OpKind::Pool(pool),
				dtype,
				&[8, out[0], out[1]],
				&[(dtype, &[8, 56, 56])],
			));
		}
	}
	let step = |function, arguments: &[u8]| Step::new(function, arguments);
	let (add, mul) = (StepFn::Binary(BinaryFn::Add), StepFn::Binary(BinaryFn::Mul));
	let exp = StepFn::Unary(UnaryFn::Exp);
	for all in [
		vec![step(add, &[0, 1]), step(mul, &[2, 1]), step(add, &[3, 0])],
		vec![step(add, &[0, 1]), step(exp, &[2]), step(mul, &[3, 1])],
		(0..24).map(|i| step(mul, &[if i == 0 { 0 } else { i + 1 }, 1])).collect(),
	] {
		let steps = Steps::new(&all).expect("few steps");
		ops.push(new(OpKind::Map(steps), F32, flat, &[(F32, flat), (F32, &[1, 1000])]));
		if all.len() < 24 {
			let kind = OpKind::MapReduce { function: ReduceFn::Sum, k: 200, steps };
			ops.push(new(kind, F32, &[200], &[(F32, &[200, 200]), (F32, &[200, 1])]));
		}
	}
	for &cell in Cell::ALL {
		for [steps, batch, hidden] in [[20, 1, 128], [10, 8, 64]] {
			let rows = cell.gates() * hidden;
			let dims = [steps, cell.parts(), batch, hidden];
			let mut operands: Vec<(DType, Vec<u32>)> = vec![
				(F32, vec![steps, batch, rows]),
				(F32, vec![rows, hidden]),
				(F32, vec![rows]),
				(F32, vec![batch, hidden]),
			];
			if cell == Cell::Lstm {
				operands.push((F32, vec![batch, hidden]));
			}
			operands.push((F32, dims.to_vec()));
			let operands: Vec<(DType, &[u32])> =
				operands.iter().map(|(t, d)| (*t, &d[..])).collect();
			ops.push(new(OpKind::Recur { cell }, F32, &dims, &operands));
		}
	}
	ops
}
