//! Every operator that is lowered: its domain, its name, the operator sets in which it has the meaning known
//! here, and the function that lowers it.

use assay_referee::{BinaryFn, ReduceFn, UnaryFn};

use super::{
	attention::{self, contrib, experts, rotary},
	classical::{encode, features, linear, svm, trees},
	contraction::{algebra, conv, matmul, nbits, quantized, transposed},
	elementwise::{
		activation,
		arithmetic::{self, binary, folded, unary},
		cast,
	},
	image::{deform, fold, grid, pool, resize, roi, suppression},
	lists::{self, picked, sequence},
	movement::{arrange, cache, gather, index, pad, ranges, scatter, shapes},
	qlinear::{self, around},
	quantization::{self, packed},
	recurrent,
	reduction::{
		cumulative, layer_norm, loss, norm,
		reduce::{self, reduce, Reduction},
		softmax,
	},
	signal, training, Cx,
};
use crate::{
	error::{shown, ErrorKind, Failure, Result},
	ir::{Item, Value},
};

/// The operators of one domain.
struct Domain {
	name: &'static str,
	/// The first version of its operator set in which most operators have the meaning known here.
	first: i64,
	operators: &'static [Operator],
}

/// How an operator is lowered.
#[derive(Clone, Copy)]
enum Lowering {
	/// To its only output.
	One(fn(&mut Cx<'_, '_>) -> Result<Value>),
	/// To all of its outputs.
	Many(fn(&mut Cx<'_, '_>) -> Result<Vec<Value>>),
	/// To its only output, from and to what need not be a tensor; nothing stands for an optional value that is
	/// not there.
	Item(fn(&mut Cx<'_, '_>) -> Result<Option<Item>>),
	/// Of tensors to its only output, which need not be one.
	Found(fn(&mut Cx<'_, '_>) -> Result<Item>),
}

/// An operator of one domain.
#[derive(Clone, Copy)]
pub(super) struct Operator {
	name: &'static str,
	/// The first version of the domain's operator set in which it has this meaning, if not the domain's first.
	since: Option<i64>,
	lowering: Lowering,
	/// Attributes and inputs that change no result, or only results that are refused.
	ignored: &'static [&'static str],
	ignored_inputs: &'static [usize],
}

impl Operator {
	const fn since(self, since: i64) -> Operator {
		Operator { since: Some(since), ..self }
	}

	const fn ignores(self, ignored: &'static [&'static str]) -> Operator {
		Operator { ignored, ..self }
	}

	const fn ignores_inputs(self, ignored_inputs: &'static [usize]) -> Operator {
		Operator { ignored_inputs, ..self }
	}

	/// Lowers a node of tensors to the values of its outputs; nothing where the operator is about other things.
	///
	/// # Errors
	///
	/// Whatever the node has that is wrong or not supported.
	pub(super) fn lower(&self, cx: &mut Cx<'_, '_>) -> Result<Option<Vec<Value>>> {
		let values = match self.lowering {
			Lowering::One(lower) => vec![lower(cx)?],
			Lowering::Many(lower) => lower(cx)?,
			Lowering::Item(_) | Lowering::Found(_) => return Ok(None),
		};
		cx.refuse_unread(self.ignored, self.ignored_inputs)?;
		Ok(Some(values))
	}

	/// Lowers a node of an operator that is about more than tensors; nothing for others.
	///
	/// # Errors
	///
	/// As [`Operator::lower`].
	pub(super) fn lower_items(&self, cx: &mut Cx<'_, '_>) -> Result<Option<Vec<Option<Item>>>> {
		let item = match self.lowering {
			Lowering::Item(lower) => lower(cx)?,
			Lowering::Found(lower) => {
				lists::require_tensors(cx)?;
				Some(lower(cx)?)
			},
			Lowering::One(_) | Lowering::Many(_) => return Ok(None),
		};
		cx.refuse_unread(self.ignored, self.ignored_inputs)?;
		Ok(Some(vec![item]))
	}
}

const fn one(name: &'static str, lower: fn(&mut Cx<'_, '_>) -> Result<Value>) -> Operator {
	operator(name, Lowering::One(lower))
}

const fn many(name: &'static str, lower: fn(&mut Cx<'_, '_>) -> Result<Vec<Value>>) -> Operator {
	operator(name, Lowering::Many(lower))
}

const fn item(name: &'static str, lower: fn(&mut Cx<'_, '_>) -> Result<Option<Item>>) -> Operator {
	operator(name, Lowering::Item(lower))
}

const fn found(name: &'static str, lower: fn(&mut Cx<'_, '_>) -> Result<Item>) -> Operator {
	operator(name, Lowering::Found(lower))
}

const fn operator(name: &'static str, lowering: Lowering) -> Operator {
	Operator { name, since: None, lowering, ignored: &[], ignored_inputs: &[] }
}

/// The operators of every domain.
const DOMAINS: [Domain; 5] = [
	Domain { name: "", first: 7, operators: STANDARD },
	Domain { name: "ai.onnx", first: 7, operators: STANDARD },
	Domain { name: "com.microsoft", first: 1, operators: MICROSOFT },
	Domain { name: "ai.onnx.ml", first: 1, operators: CLASSICAL },
	Domain { name: "ai.onnx.preview.training", first: 1, operators: TRAINING },
];

/// Parameters of the activation functions of recurrent layers.
const FUNCTION_PARAMETERS: &[&str] = &["activation_alpha", "activation_beta"];

/// The standard operator set.
const STANDARD: &[Operator] = &[
	// Single elements.
	one("Abs", |cx| unary(cx, UnaryFn::Abs)),
	one("Acos", |cx| unary(cx, UnaryFn::Acos)),
	one("Acosh", |cx| unary(cx, UnaryFn::Acosh)),
	one("Asin", |cx| unary(cx, UnaryFn::Asin)),
	one("Asinh", |cx| unary(cx, UnaryFn::Asinh)),
	one("Atan", |cx| unary(cx, UnaryFn::Atan)),
	one("Atanh", |cx| unary(cx, UnaryFn::Atanh)),
	one("Ceil", |cx| unary(cx, UnaryFn::Ceil)),
	one("Cos", |cx| unary(cx, UnaryFn::Cos)),
	one("Cosh", |cx| unary(cx, UnaryFn::Cosh)),
	one("Erf", |cx| unary(cx, UnaryFn::Erf)),
	one("Exp", |cx| unary(cx, UnaryFn::Exp)),
	one("Floor", |cx| unary(cx, UnaryFn::Floor)),
	one("IsNaN", |cx| unary(cx, UnaryFn::IsNan)),
	one("Log", |cx| unary(cx, UnaryFn::Log)),
	one("Neg", |cx| unary(cx, UnaryFn::Neg)),
	one("Not", |cx| unary(cx, UnaryFn::Not)).since(1),
	one("Reciprocal", |cx| unary(cx, UnaryFn::Reciprocal)),
	one("Relu", |cx| unary(cx, UnaryFn::Relu)),
	one("Round", |cx| unary(cx, UnaryFn::Round)),
	one("Sigmoid", |cx| unary(cx, UnaryFn::Sigmoid)),
	one("Sign", |cx| unary(cx, UnaryFn::Sign)),
	one("Sin", |cx| unary(cx, UnaryFn::Sin)),
	one("Sinh", |cx| unary(cx, UnaryFn::Sinh)),
	one("Softplus", |cx| unary(cx, UnaryFn::Softplus)).since(1),
	one("Sqrt", |cx| unary(cx, UnaryFn::Sqrt)),
	one("Tan", |cx| unary(cx, UnaryFn::Tan)),
	one("Tanh", |cx| unary(cx, UnaryFn::Tanh)),
	one("Add", |cx| binary(cx, BinaryFn::Add)),
	one("Sub", |cx| binary(cx, BinaryFn::Sub)),
	one("Mul", |cx| binary(cx, BinaryFn::Mul)),
	one("Div", |cx| binary(cx, BinaryFn::Div)),
	one("Equal", |cx| binary(cx, BinaryFn::Equal)),
	one("Less", |cx| binary(cx, BinaryFn::Less)),
	one("LessOrEqual", |cx| binary(cx, BinaryFn::LessOrEqual)),
	one("Greater", |cx| binary(cx, BinaryFn::Greater)),
	one("GreaterOrEqual", |cx| binary(cx, BinaryFn::GreaterOrEqual)),
	one("And", |cx| binary(cx, BinaryFn::And)),
	one("BitwiseAnd", |cx| binary(cx, BinaryFn::And)),
	one("Or", |cx| binary(cx, BinaryFn::Or)),
	one("BitwiseOr", |cx| binary(cx, BinaryFn::Or)),
	one("Xor", |cx| binary(cx, BinaryFn::Xor)),
	one("BitwiseXor", |cx| binary(cx, BinaryFn::Xor)),
	one("Max", |cx| folded(cx, BinaryFn::Max)),
	one("Min", |cx| folded(cx, BinaryFn::Min)),
	one("Sum", |cx| folded(cx, BinaryFn::Add)),
	one("Mean", arithmetic::mean),
	one("Mod", arithmetic::modulo),
	one("Pow", arithmetic::pow),
	one("Clip", arithmetic::clip),
	one("Where", arithmetic::select),
	one("IsInf", arithmetic::is_infinite),
	one("BitwiseNot", arithmetic::bitwise_not),
	one("BitShift", arithmetic::bit_shift),
	one("LeakyRelu", activation::leaky_relu),
	one("PRelu", activation::prelu),
	one("Elu", activation::elu),
	one("Selu", activation::selu),
	one("Celu", activation::celu),
	one("Softsign", activation::softsign).since(1),
	one("HardSigmoid", activation::hard_sigmoid),
	one("HardSwish", activation::hard_swish),
	one("Mish", activation::mish),
	one("Swish", activation::swish),
	one("SwiGLU", activation::swiglu),
	one("Gelu", activation::gelu),
	one("Shrink", activation::shrink),
	one("ThresholdedRelu", activation::thresholded_relu),
	// Of a type of powers of two, which is not supported.
	one("Cast", cast::cast).ignores(&["round_mode"]),
	one("CastLike", cast::cast_like).ignores(&["round_mode"]),
	one("BitCast", cast::bit_cast),
	one("Identity", |cx| cx.input(0)).since(1),
	// Where onnxruntime has a value copied between memories of one machine.
	one("MemcpyFromHost", |cx| cx.input(0)).since(1),
	one("MemcpyToHost", |cx| cx.input(0)).since(1),
	many("Dropout", cast::dropout).ignores(&["ratio", "seed"]).ignores_inputs(&[1]),
	// Sequences and optional values, which are known when the model is compiled.
	item("SequenceConstruct", sequence::construct),
	item("SequenceEmpty", sequence::empty).ignores(&["dtype"]),
	item("SequenceAt", sequence::at),
	item("SequenceInsert", sequence::insert),
	item("SequenceErase", sequence::erase),
	item("SequenceLength", sequence::length),
	// Sizes that are given keep the axis.
	item("SplitToSequence", sequence::split).ignores(&["keepdims"]),
	item("ConcatFromSequence", sequence::concat),
	// What an empty one could hold.
	item("Optional", sequence::optional).ignores(&["type"]),
	item("OptionalGetElement", sequence::optional_element),
	item("OptionalHasElement", sequence::has_element),
	// Elements moved, repeated, picked or placed; shapes.
	one("Transpose", arrange::transpose).since(1),
	one("Expand", arrange::expand),
	one("Concat", arrange::concat),
	one("Tile", arrange::tile),
	one("DepthToSpace", arrange::depth_to_space),
	one("SpaceToDepth", arrange::space_to_depth),
	one("Slice", ranges::slice),
	many("Split", ranges::split),
	// Only one mode fills in a value.
	one("Pad", pad::pad).ignores(&["value"]).ignores_inputs(&[2]),
	one("CenterCropPad", pad::center_crop_pad),
	one("Gather", gather::gather),
	one("GatherElements", index::gather_elements_node),
	one("GatherND", index::gather_nd),
	found("Compress", picked::compress),
	one("ReverseSequence", index::reverse_sequence),
	one("Trilu", index::triangle),
	one("EyeLike", index::eye_like),
	found("NonZero", picked::non_zero),
	one("Scatter", scatter::scatter_elements),
	one("ScatterElements", scatter::scatter_elements),
	one("ScatterND", scatter::scatter_nd),
	one("TensorScatter", cache::tensor_scatter),
	// Sorted is one of the orders that `sorted=0` allows.
	many("TopK", scatter::top_k).ignores(&["sorted"]),
	one("Reshape", shapes::reshape),
	one("Flatten", shapes::flatten),
	one("Squeeze", shapes::squeeze),
	one("Unsqueeze", shapes::unsqueeze),
	one("Shape", shapes::shape).since(1),
	one("Size", shapes::size),
	one("Constant", shapes::constant_node),
	one("ConstantOfShape", shapes::constant_of_shape),
	one("Range", shapes::range),
	one("OneHot", shapes::one_hot),
	// Elements of axes joined.
	one("ReduceSum", |cx| reduce(cx, Reduction::Sum)),
	one("ReduceMean", |cx| reduce(cx, Reduction::Mean)),
	one("ReduceMax", |cx| reduce(cx, Reduction::Max)),
	one("ReduceMin", |cx| reduce(cx, Reduction::Min)),
	one("ReduceProd", |cx| reduce(cx, Reduction::Prod)),
	one("ReduceL1", |cx| reduce(cx, Reduction::L1)),
	one("ReduceL2", |cx| reduce(cx, Reduction::L2)),
	one("ReduceSumSquare", |cx| reduce(cx, Reduction::SumSquare)),
	one("ReduceLogSum", |cx| reduce(cx, Reduction::LogSum)),
	one("ReduceLogSumExp", |cx| reduce(cx, Reduction::LogSumExp)),
	one("GlobalAveragePool", |cx| reduce::global_pool(cx, ReduceFn::Sum)).since(1),
	one("GlobalMaxPool", |cx| reduce::global_pool(cx, ReduceFn::Max)).since(1),
	one("ArgMax", reduce::arg_max),
	one("ArgMin", reduce::arg_min),
	one("CumSum", cumulative::cumulative_sum),
	one("CumProd", cumulative::cumulative_product),
	one("Softmax", softmax::softmax),
	one("LogSoftmax", softmax::log_softmax),
	one("Hardmax", softmax::hardmax),
	// Of training.
	many("BatchNormalization", norm::batch_normalization).ignores(&["momentum"]),
	one("GroupNormalization", norm::group_norm),
	one("InstanceNormalization", norm::instance_norm),
	one("LpNormalization", norm::lp_norm),
	one("MeanVarianceNormalization", norm::mean_variance_norm),
	many("LayerNormalization", layer_norm::layer_norm),
	one("RMSNormalization", layer_norm::rms_norm),
	// onnxruntime has this one in the standard domain.
	one("SimplifiedLayerNormalization", layer_norm::rms_norm),
	many("NegativeLogLikelihoodLoss", loss::negative_log_likelihood),
	many("SoftmaxCrossEntropyLoss", loss::cross_entropy),
	// Sums of products.
	one("MatMul", matmul::matmul),
	// Without a third operand there is nothing to scale.
	one("Gemm", matmul::gemm).ignores(&["beta"]),
	one("Conv", conv::conv),
	one("ConvTranspose", transposed::conv_transpose),
	one("Einsum", algebra::einsum),
	one("Det", algebra::determinant),
	one("MatMulInteger", quantized::matmul_integer),
	one("ConvInteger", quantized::conv_integer),
	one("QLinearMatMul", quantized::matmul),
	one("QLinearConv", quantized::conv),
	// One scale for all has no axis and no blocks, and whole numbers always saturate.
	one("QuantizeLinear", quantization::linear::quantize).ignores(&[
		"axis",
		"block_size",
		"saturate",
	]),
	one("DequantizeLinear", quantization::linear::dequantize).ignores(&["axis", "block_size"]),
	many("DynamicQuantizeLinear", quantization::linear::quantize_dynamically),
	// Networks.
	many("Attention", attention::standard::attention),
	// The size of chunks that other engines compute at once.
	many("LinearAttention", attention::linear::linear_attention).ignores(&["chunk_size"]),
	many("CausalConvWithState", attention::linear::causal_conv),
	// Four dimensions say how many heads there are.
	one("RotaryEmbedding", rotary::standard).ignores(&["num_heads"]),
	// The usual functions take no parameters.
	many("LSTM", recurrent::lstm).ignores(FUNCTION_PARAMETERS),
	many("GRU", recurrent::gru).ignores(FUNCTION_PARAMETERS),
	many("RNN", recurrent::rnn).ignores(FUNCTION_PARAMETERS),
	// Images.
	// The order of indices that nobody reads.
	many("MaxPool", pool::max_pool).ignores(&["storage_order"]),
	one("AveragePool", pool::average_pool),
	one("LpPool", pool::lp_pool),
	one("GlobalLpPool", pool::global_lp_pool),
	one("LRN", pool::local_response_norm),
	one("MaxUnpool", fold::max_unpool),
	one("Col2Im", fold::column_to_image),
	// A rule is for one mode, a policy for sizes, a region of interest for one kind of coordinates; of sizes and
	// scales one counts.
	one("Resize", resize::resize)
		.ignores(&[
			"antialias",
			"cubic_coeff_a",
			"exclude_outside",
			"extrapolation_value",
			"keep_aspect_ratio_policy",
			"nearest_mode",
		])
		.ignores_inputs(&[1, 2]),
	one("Upsample", resize::upsample),
	one("GridSample", grid::grid_sample),
	one("AffineGrid", grid::affine_grid),
	one("RoiAlign", roi::roi_align),
	one("DeformConv", deform::deform_conv),
	found("NonMaxSuppression", suppression::non_max_suppression),
	// Signals and texts.
	one("HannWindow", signal::hann_window),
	one("HammingWindow", signal::hamming_window),
	one("BlackmanWindow", signal::blackman_window),
	one("MelWeightMatrix", signal::mel_weights),
	one("DFT", signal::fourier),
	one("STFT", signal::short_time_fourier),
	one("TfIdfVectorizer", features::count_ngrams).since(1),
];

/// What onnxruntime's exporters, optimizers and quantizers write.
const MICROSOFT: &[Operator] = &[
	// What stands where a mask forbids, and how far a rotation goes, where there is neither.
	many("Attention", contrib::attention)
		.ignores(&["mask_filter_value", "rotary_embedding_dim"])
		.ignores_inputs(&[6]),
	many("QAttention", contrib::quantized_attention).ignores(&["mask_filter_value"]),
	many("MultiHeadAttention", contrib::multi_head).ignores(&["mask_filter_value"]),
	// The shapes say the whole length, and without a past also the last position; angles are for rotations,
	// and a guard of a division for what is divided.
	many("GroupQueryAttention", contrib::group_query)
		.ignores(&["rotary_interleaved", "qk_norm_epsilon", "q_norm_epsilon", "k_norm_epsilon"])
		.ignores_inputs(&[5, 6, 7, 8, 9]),
	many("EmbedLayerNormalization", contrib::embed_layer_norm).ignores(&["mask_index_type"]),
	many("SkipLayerNormalization", layer_norm::skip_layer_norm),
	many("SkipSimplifiedLayerNormalization", layer_norm::skip_rms_norm),
	one("SimplifiedLayerNormalization", layer_norm::rms_norm),
	one("RotaryEmbedding", rotary::contrib).ignores(&["num_heads"]),
	one("Gelu", |cx| activation::biased_gelu(cx, false)),
	one("BiasGelu", |cx| activation::biased_gelu(cx, false)),
	one("FastGelu", |cx| activation::biased_gelu(cx, true)),
	one("QuickGelu", activation::quick_gelu),
	many("DynamicQuantizeLSTM", recurrent::quantized_lstm).ignores(FUNCTION_PARAMETERS),
	one("MoE", experts::mixture),
	// How coarsely it may be computed, and in what kernels; blocks of a whole row have one size.
	one("QMoE", experts::quantized_mixture).ignores(&["accuracy_level", "block_size"]),
	one("FusedMatMul", matmul::fused_matmul),
	one("TransposeMatMul", matmul::fused_matmul),
	one("GemmFastGelu", matmul::product_fast_gelu),
	many("LinearAttention", attention::linear::linear_attention).ignores(&["chunk_size"]),
	many("CausalConvWithState", attention::linear::causal_conv),
	one("FusedGemm", matmul::fused_gemm).ignores(&[
		"beta",
		"activation_alpha",
		"activation_beta",
		"activation_gamma",
	]),
	one("FusedConv", conv::fused_conv),
	// How coarsely it may be computed; here it is not.
	one("MatMulNBits", nbits::matmul).ignores(&["accuracy_level"]),
	one("GatherBlockQuantized", packed::gather),
	// For types that the standard ones had not yet.
	one("QuantizeLinear", quantization::linear::quantize).ignores(&["axis"]),
	one("DequantizeLinear", quantization::linear::dequantize).ignores(&["axis"]),
	one("QLinearConv", quantized::conv),
	one("QGemm", quantized::gemm),
	one("DynamicQuantizeMatMul", quantized::dynamic_matmul),
	one("MatMulIntegerToFloat", quantized::matmul_to_float),
	one("QLinearAdd", qlinear::add),
	one("QLinearMul", qlinear::mul),
	one("QLinearConcat", qlinear::concat),
	one("QLinearSigmoid", |cx| around(cx, |cx| unary(cx, UnaryFn::Sigmoid))),
	one("QLinearLeakyRelu", |cx| around(cx, activation::leaky_relu)),
	one("QLinearSoftmax", |cx| around(cx, softmax::quantized)),
	one("QLinearAveragePool", |cx| around(cx, pool::average_pool)),
	one("QLinearGlobalAveragePool", qlinear::global_average_pool),
	// Older than the standard ones of these names, and of the same meaning.
	one("ExpandDims", shapes::expand_dims),
	one("GatherND", index::gather_nd),
	one("Range", shapes::range),
	one("Trilu", index::triangle),
];

/// Classical machine learning.
const CLASSICAL: &[Operator] = &[
	one("Binarizer", features::binarizer),
	one("ArrayFeatureExtractor", features::extract),
	one("FeatureVectorizer", encode::feature_vectorizer),
	// Those of the other element type.
	one("Imputer", encode::imputer).ignores(&[
		"imputed_value_floats",
		"imputed_value_int64s",
		"replaced_value_float",
		"replaced_value_int64",
	]),
	one("LabelEncoder", encode::label_encoder).ignores(&[
		"default_string",
		"default_int64",
		"default_float",
	]),
	one("OneHotEncoder", encode::one_hot_encoder),
	// The labels are the keys of a map, of which a program has the values.
	one("ZipMap", encode::zip_map),
	one("Scaler", linear::scaler),
	one("Normalizer", linear::normalizer),
	one("LinearRegressor", linear::regressor),
	// How the model was trained.
	many("LinearClassifier", linear::classifier).ignores(&["multi_class"]),
	one("SVMRegressor", svm::regressor),
	many("SVMClassifier", svm::classifier),
	// How often a node was taken in training.
	one("TreeEnsembleRegressor", trees::regressor)
		.ignores(&["nodes_hitrates", "nodes_hitrates_as_tensor"]),
	one("TreeEnsemble", trees::ensemble).ignores(&["nodes_hitrates"]),
	many("TreeEnsembleClassifier", trees::classifier)
		.ignores(&["nodes_hitrates", "nodes_hitrates_as_tensor"]),
];

/// Steps of optimizers.
const TRAINING: &[Operator] = &[
	many("Adagrad", training::adagrad),
	many("Adam", training::adam),
	many("Momentum", training::momentum),
];

/// The operator that a node names.
///
/// # Errors
///
/// When its domain or its name is unknown, or the operator set is older than what it means here.
pub(super) fn find(cx: &Cx<'_, '_>) -> Result<&'static Operator> {
	let (domain, name) = (cx.node.domain, cx.node.op_type);
	let Some(domain) = DOMAINS.iter().find(|known| known.name == domain) else {
		return Err(Failure::new(
			ErrorKind::UnsupportedOperator,
			format!("operators of the domain `{}` are not supported", shown(domain)),
		)
		.help(instead_of_domain(domain)));
	};
	let operator = domain.operators.iter().find(|operator| operator.name == name);
	let since = operator.and_then(|operator| operator.since).unwrap_or(domain.first);
	if cx.version() < since {
		return Err(Failure::unsupported(format!(
			"it is written for operator set {}, supported are {since} and later",
			cx.version()
		))
		.help("export or convert the model for operator set 17"));
	}
	operator.ok_or_else(|| unsupported(name))
}

/// What to do about a file with operators of an unknown domain.
fn instead_of_domain(domain: &str) -> &'static str {
	match domain {
		"com.microsoft.nchwc" | "com.ms.internal.nhwc" => OPTIMIZED,
		"ai.onnx.contrib" => {
			"texts, images and sounds are prepared outside of the model; export it without that part"
		},
		"org.pytorch.aten" => {
			"PyTorch found no ONNX operator for it; export the model without operator_export_type"
		},
		"ai.onnx.preview" => "it is not standard yet; export the model with standard ONNX operators only, attention as Attention",
		_ => "export the model with standard ONNX operators only",
	}
}

/// What to do about what onnxruntime makes of a model when it loads it.
const OPTIMIZED: &str =
	"onnxruntime's optimizer wrote the file for one kind of machine; take the file it was made from, or save with \
	 ORT_ENABLE_EXTENDED";

fn unsupported(op_type: &str) -> Failure {
	let failure = Failure::new(ErrorKind::UnsupportedOperator, "this operator is not supported");
	failure.help(match op_type {
		"Unique" => "the size of its result depends on the data; end the model before this node",
		"RandomNormal" | "RandomUniform" | "RandomNormalLike" | "RandomUniformLike"
		| "Bernoulli" | "Multinomial" => {
			"results must be the same on every machine; pass noise as an input"
		},
		"ImageDecoder" => "decode images before the model",
		"StringConcat" | "StringNormalizer" | "StringSplit" | "RegexFullMatch" | "Tokenizer"
		| "WordConvEmbedding" => "turn text into numbers before the model",
		"MaxRoiPool" => "export the model with RoiAlign",
		"NhwcConv" | "NhwcFusedConv" | "NhwcMaxPool" => OPTIMIZED,
		"EPContext" => "it holds what one kind of machine runs; take the file it was made from",
		"PackedAttention" | "PackedMultiHeadAttention" | "RemovePadding" | "RestorePadding" => {
			"onnxruntime's optimizer writes it for GPUs; optimize the model without packing of its inputs"
		},
		"BeamSearch" | "GreedySearch" | "Sampling" | "WhisperBeamSearch" => {
			"the program is one step of a search; export the decoder by itself, with its past as inputs and outputs"
		},
		_ => "engine/onnx/README.md lists the supported operators",
	})
}
