//! Classical models (`ai.onnx.ml`) against plain loops, and what of them is refused.
//! `scripts/compare/classical_cases.py` compares many more with onnxruntime.

use assay_onnx::{compile, CompileOptions, ErrorKind};
use assay_testing::onnx::net::{assert_close, f32s, floats_of, i64s_of, noise, tensor, Net, A};
use rten_onnx::onnx::{DataType, OperatorSetIdProto, TensorProto};

const ROWS: usize = 4;
const FEATURES: usize = 3;

/// One node of the domain over rows of features.
fn model(op: &str, outputs: &[&str], attributes: Vec<(&str, A)>) -> Net {
	model_of(op, outputs, attributes, 1)
}

fn model_of(op: &str, outputs: &[&str], attributes: Vec<(&str, A)>, version: i64) -> Net {
	let mut net = Net::new().floats("x", &[ROWS as i64, FEATURES as i64]).node_with(
		op,
		&["x"],
		outputs,
		attributes,
	);
	net.graph().node[0].domain = Some("ai.onnx.ml".into());
	let domain = Some("ai.onnx.ml".into());
	net.0.opset_import.push(OperatorSetIdProto { domain, version: Some(version) });
	outputs.iter().fold(net, |net, output| net.output(output))
}

fn x() -> Vec<f32> {
	noise(ROWS * FEATURES, 5)
}

/// A classifier of classes 10, 20 and 30, which have 2, 1 and 3 support vectors.
struct Machine {
	kernel: &'static str,
	parameters: [f32; 3],
	vectors: Vec<f32>,
	coefficients: Vec<f32>,
	rho: [f32; 3],
}

const COUNTS: [usize; 3] = [2, 1, 3];

impl Machine {
	fn new(kernel: &'static str, parameters: [f32; 3]) -> Machine {
		let (vectors, coefficients) = (noise(6 * FEATURES, 6), noise(2 * 6, 7));
		Machine { kernel, parameters, vectors, coefficients, rho: [0.1, -0.2, 0.05] }
	}

	fn attributes(&self) -> Vec<(&'static str, A)> {
		vec![
			("kernel_type", A::Word(self.kernel)),
			("kernel_params", A::Floats(self.parameters.to_vec())),
			("support_vectors", A::Floats(self.vectors.clone())),
			("coefficients", A::Floats(self.coefficients.clone())),
			("vectors_per_class", A::Ints(COUNTS.map(|count| count as i64).to_vec())),
			("rho", A::Floats(self.rho.to_vec())),
			("classlabels_ints", A::Ints(vec![10, 20, 30])),
		]
	}

	fn kernel(&self, row: &[f32], vector: &[f32]) -> f64 {
		let pairs = || row.iter().zip(vector).map(|(&a, &b)| (f64::from(a), f64::from(b)));
		let dot: f64 = pairs().map(|(a, b)| a * b).sum();
		let [gamma, coef0, degree] = self.parameters.map(f64::from);
		match self.kernel {
			"LINEAR" => dot,
			"POLY" => (gamma * dot + coef0).powf(degree),
			"RBF" => (-gamma * pairs().map(|(a, b)| (a - b) * (a - b)).sum::<f64>()).exp(),
			_ => (gamma * dot + coef0).tanh(),
		}
	}

	/// The scores of the pairs 01, 02 and 12, and the label that most of them are for.
	fn row(&self, row: &[f32]) -> (i64, [f64; 3]) {
		let kernels: Vec<f64> =
			self.vectors.chunks(FEATURES).map(|vector| self.kernel(row, vector)).collect();
		let class = |class: usize, line: usize| -> f64 {
			let start: usize = COUNTS[..class].iter().sum();
			let range = start..start + COUNTS[class];
			range.map(|v| f64::from(self.coefficients[line * 6 + v]) * kernels[v]).sum()
		};
		// A class' own row is left out of the coefficients.
		let pair = |i: usize, j: usize, rho: f32| class(i, j - 1) + class(j, i) + f64::from(rho);
		let scores = [pair(0, 1, self.rho[0]), pair(0, 2, self.rho[1]), pair(1, 2, self.rho[2])];
		let mut votes = [0; 3];
		for (score, (i, j)) in scores.iter().zip([(0, 1), (0, 2), (1, 2)]) {
			votes[if *score > 0.0 { i } else { j }] += 1;
		}
		let most = votes.iter().max();
		let best = votes.iter().position(|votes| Some(votes) == most).unwrap();
		([10, 20, 30][best], scores)
	}
}

#[test]
fn support_vector_classifiers() {
	for (kernel, parameters) in [
		("LINEAR", [0.0; 3]),
		("POLY", [0.5, 1.0, 2.0]),
		("POLY", [0.5, 0.25, 3.0]),
		("POLY", [0.2, 2.0, 4.0]),
		("RBF", [0.7, 0.0, 0.0]),
		("SIGMOID", [0.3, 0.1, 0.0]),
	] {
		let machine = Machine::new(kernel, parameters);
		let net = model("SVMClassifier", &["label", "scores"], machine.attributes());
		let found = net.run(&[f32s(&x())]);
		let expected: Vec<(i64, [f64; 3])> =
			x().chunks(FEATURES).map(|row| machine.row(row)).collect();
		let labels: Vec<i64> = expected.iter().map(|(label, _)| *label).collect();
		let scores: Vec<f32> = expected.iter().flat_map(|(_, s)| s.map(|s| s as f32)).collect();
		assert_eq!(i64s_of(&found[0]), labels, "{kernel}");
		assert_close(&floats_of(&found[1]), &scores, 1e-5);
	}
}

/// Of two classes the probabilities are the pair's, up to what the iteration leaves.
#[test]
fn probabilities_of_pairs() {
	let attributes = |more: Vec<(&'static str, A)>| {
		let mut all = vec![
			("kernel_type", A::Word("LINEAR")),
			("support_vectors", A::Floats(vec![1.0, 0.0, 0.0, 0.0, 1.0, 0.0])),
			("coefficients", A::Floats(vec![1.0, -1.0])),
			("vectors_per_class", A::Ints(vec![1, 1])),
			("rho", A::Floats(vec![0.0])),
			("classlabels_ints", A::Ints(vec![0, 1])),
		];
		all.extend(more);
		all
	};
	let couples = vec![("prob_a", A::Floats(vec![-2.0])), ("prob_b", A::Floats(vec![0.0]))];
	let net = model("SVMClassifier", &["label", "scores"], attributes(couples));
	let found = floats_of(&net.run(&[f32s(&x())])[1]);
	for (row, p) in x().chunks(FEATURES).zip(found.chunks(2)) {
		let first = 1.0 / (1.0 + (-2.0 * (row[0] - row[1])).exp());
		assert!((p[0] - first).abs() < 5e-3 && (p[0] + p[1] - 1.0).abs() < 1e-5, "{p:?} {first}");
	}
	let raw = model("SVMClassifier", &["label", "scores"], attributes(Vec::new()));
	let found = floats_of(&raw.run(&[f32s(&x())])[1]);
	let expected: Vec<f32> =
		x().chunks(FEATURES).flat_map(|row| [row[1] - row[0], row[0] - row[1]]).collect();
	assert_close(&found, &expected, 1e-6);
	let probit = attributes(vec![("post_transform", A::Word("PROBIT"))]);
	let error = model("SVMClassifier", &["label", "scores"], probit).error();
	assert_eq!(error.kind, ErrorKind::Unsupported, "{error}");
}

/// Probabilities of many classes are refused, their label is not.
#[test]
fn too_many_classes_to_couple() {
	const CLASSES: usize = 21;
	let pairs = CLASSES * (CLASSES - 1) / 2;
	let net = |outputs: &[&str]| {
		let attributes = vec![
			("support_vectors", A::Floats(noise(CLASSES * FEATURES, 1))),
			("coefficients", A::Floats(noise((CLASSES - 1) * CLASSES, 2))),
			("vectors_per_class", A::Ints(vec![1; CLASSES])),
			("rho", A::Floats(noise(pairs, 3))),
			("prob_a", A::Floats(noise(pairs, 4))),
			("prob_b", A::Floats(noise(pairs, 5))),
			("classlabels_ints", A::Ints((0..CLASSES as i64).collect())),
		];
		let mut net = model("SVMClassifier", &["label", "scores"], attributes);
		net.graph().output.retain(|port| outputs.contains(&port.name.as_deref().unwrap()));
		net
	};
	let error = net(&["label", "scores"]).error();
	assert!(error.kind == ErrorKind::Unsupported && error.reason.contains("21 classes"), "{error}");
	let found = net(&["label"]).run(&[f32s(&x())]);
	assert!(i64s_of(&found[0]).iter().all(|label| (0..CLASSES as i64).contains(label)));
}

#[test]
fn support_vector_regressors() {
	let attributes = |one_class: i64| {
		vec![
			("kernel_type", A::Word("RBF")),
			("kernel_params", A::Floats(vec![0.5, 0.0, 0.0])),
			("n_supports", A::Int(2)),
			("support_vectors", A::Floats(noise(2 * FEATURES, 8))),
			("coefficients", A::Floats(vec![1.5, -1.0])),
			("rho", A::Floats(vec![-0.1])),
			("one_class", A::Int(one_class)),
		]
	};
	let vectors = noise(2 * FEATURES, 8);
	let value = |row: &[f32]| {
		let kernel = |vector: &[f32]| {
			let sum: f32 = row.iter().zip(vector).map(|(a, b)| (a - b) * (a - b)).sum();
			(-0.5 * sum).exp()
		};
		1.5 * kernel(&vectors[..FEATURES]) - kernel(&vectors[FEATURES..]) - 0.1
	};
	let expected: Vec<f32> = x().chunks(FEATURES).map(value).collect();
	assert_close(&model("SVMRegressor", &["y"], attributes(0)).run_f32(&[&x()]), &expected, 1e-5);
	let signs: Vec<f32> = expected.iter().map(|&y| if y > 0.0 { 1.0 } else { -1.0 }).collect();
	assert_eq!(model("SVMRegressor", &["y"], attributes(1)).run_f32(&[&x()]), signs);
	let line = vec![
		("coefficients", A::Floats(vec![1.0, 2.0, 3.0])),
		("rho", A::Floats(vec![0.5])),
		("kernel_type", A::Word("LINEAR")),
	];
	let expected: Vec<f32> =
		x().chunks(FEATURES).map(|r| r[0] + 2.0 * r[1] + 3.0 * r[2] + 0.5).collect();
	assert_close(&model("SVMRegressor", &["y"], line).run_f32(&[&x()]), &expected, 1e-6);
}

/// Lists that contradict each other or the rows, and numbers that no list could have.
#[test]
fn machines_that_are_none() {
	let machine = || Machine::new("RBF", [0.5, 0.0, 0.0]).attributes();
	let changed = |name: &'static str, value: A| {
		let mut attributes = machine();
		attributes.retain(|(other, _)| *other != name);
		attributes.push((name, value));
		let error = model("SVMClassifier", &["label", "scores"], attributes).error();
		assert!(
			matches!(error.kind, ErrorKind::Invalid | ErrorKind::Unsupported),
			"{name}: {error}"
		);
	};
	changed("vectors_per_class", A::Ints(vec![2, 1]));
	changed("vectors_per_class", A::Ints(vec![2, 1, -3]));
	changed("vectors_per_class", A::Ints(vec![i64::MAX, i64::MAX, 2]));
	changed("vectors_per_class", A::Ints(vec![i64::from(u32::MAX); 3]));
	changed("vectors_per_class", A::Ints(vec![0, 0, 0]));
	changed("rho", A::Floats(vec![0.1, 0.2]));
	changed("rho", A::Floats(Vec::new()));
	changed("coefficients", A::Floats(vec![0.0; 11]));
	changed("coefficients", A::Floats(vec![f32::NAN; 12]));
	changed("support_vectors", A::Floats(vec![0.0; 17]));
	changed("kernel_params", A::Floats(vec![0.5]));
	changed("kernel_type", A::Word("LAPLACE"));
	changed("prob_a", A::Floats(vec![1.0; 3]));
	changed("classlabels_ints", A::Ints(vec![1]));
	for count in [-1, 3, i64::MAX] {
		let attributes = vec![
			("n_supports", A::Int(count)),
			("support_vectors", A::Floats(vec![0.0; 6])),
			("coefficients", A::Floats(vec![1.0; 2])),
			("rho", A::Floats(vec![0.0])),
		];
		let error = model("SVMRegressor", &["y"], attributes).error();
		assert_eq!(error.kind, ErrorKind::Invalid, "{count}: {error}");
	}
}

/// What the normal distribution has below the result is the argument.
#[test]
fn probits() {
	let net = model(
		"LinearRegressor",
		&["y"],
		vec![
			("coefficients", A::Floats(vec![1.0, 0.0, 0.0])),
			("post_transform", A::Word("PROBIT")),
		],
	);
	let mut x = vec![0.0; ROWS * FEATURES];
	let arguments = [0.025, 0.2, 0.8, 0.999];
	arguments.iter().enumerate().for_each(|(row, &p)| x[row * FEATURES] = p);
	// The approximation itself is good to three digits.
	assert_close(&net.run_f32(&[&x]), &[-1.959964, -0.841621, 0.841621, 3.090232], 4e-3);
	// Of one target no other transform is done.
	for word in ["LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO"] {
		let attributes = vec![
			("coefficients", A::Floats(vec![1.0, 0.0, 0.0])),
			("post_transform", A::Word(word)),
		];
		let found = model("LinearRegressor", &["y"], attributes).run_f32(&[&x]);
		assert_eq!(found, arguments, "{word}");
	}
}

fn floats(values: &[f32]) -> TensorProto {
	tensor("", DataType::FLOAT, &[values.len() as i64], f32s(values))
}

/// A tree that asks for two sets, {1, 2.5, -0} and {7}, of features 0 and 1, and then whether feature 2 is below 1.
fn sets(members: &[f32]) -> Vec<(&'static str, A)> {
	vec![
		("n_targets", A::Int(1)),
		("tree_roots", A::Ints(vec![0])),
		("nodes_featureids", A::Ints(vec![0, 1, 2])),
		("nodes_modes", A::Tensor(tensor("", DataType::UINT8, &[3], vec![6, 6, 1]))),
		("nodes_splits", A::Tensor(floats(&[f32::NAN, 0.0, 1.0]))),
		("nodes_truenodeids", A::Ints(vec![1, 0, 2])),
		("nodes_trueleafs", A::Ints(vec![0, 1, 1])),
		("nodes_falsenodeids", A::Ints(vec![2, 1, 3])),
		("nodes_falseleafs", A::Ints(vec![0, 1, 1])),
		("leaf_targetids", A::Ints(vec![0; 4])),
		("leaf_weights", A::Tensor(floats(&[10.0, 20.0, 30.0, 40.0]))),
		("membership_values", A::Tensor(floats(members))),
	]
}

#[test]
fn sets_of_members() {
	let members = [1.0, 2.5, -0.0, f32::NAN, 7.0, f32::NAN];
	#[rustfmt::skip]
	let x = [
		0.0, 7.0, 5.0,
		2.5, 2.0, 5.0,
		2.0, 7.0, 0.5,
		f32::NAN, 7.0, 2.0,
	];
	for members in [&members[..], &members[..5]] {
		let net = model_of("TreeEnsemble", &["y"], sets(members), 5);
		assert_eq!(net.run_f32(&[&x]), [10.0, 20.0, 30.0, 40.0]);
	}
	// A set may be empty, but must be there.
	let net = model_of("TreeEnsemble", &["y"], sets(&[f32::NAN, 7.0]), 5);
	assert_eq!(net.run_f32(&[&x]), [40.0, 40.0, 30.0, 40.0]);
	for members in [&[][..], &[1.0, 7.0], &[1.0, f32::NAN, 7.0, f32::NAN, 3.0, f32::NAN]] {
		let error = model_of("TreeEnsemble", &["y"], sets(members), 5).error();
		assert_eq!(error.kind, ErrorKind::Invalid, "{error}");
	}
}

/// A stump on feature 0, at 0, whose leaves have these weights: leaf, target, weight.
fn stump(kind: &'static str, votes: &[(i64, i64, f32)]) -> Vec<(&'static str, A)> {
	let (nodes, trees, ids, weights) = if kind == "class" {
		("class_nodeids", "class_treeids", "class_ids", "class_weights")
	} else {
		("target_nodeids", "target_treeids", "target_ids", "target_weights")
	};
	vec![
		("nodes_treeids", A::Ints(vec![0; 3])),
		("nodes_nodeids", A::Ints(vec![0, 1, 2])),
		("nodes_featureids", A::Ints(vec![0; 3])),
		("nodes_values", A::Floats(vec![0.0; 3])),
		("nodes_modes", A::Words(vec!["BRANCH_LT", "LEAF", "LEAF"])),
		("nodes_truenodeids", A::Ints(vec![1, 0, 0])),
		("nodes_falsenodeids", A::Ints(vec![2, 0, 0])),
		(trees, A::Ints(vec![0; votes.len()])),
		(nodes, A::Ints(votes.iter().map(|vote| vote.0).collect())),
		(ids, A::Ints(votes.iter().map(|vote| vote.1).collect())),
		(weights, A::Floats(votes.iter().map(|vote| vote.2).collect())),
	]
}

/// Rows below, above, below and above 0.
const SIDES: [f32; ROWS * FEATURES] =
	[-1.0, 0.0, 0.0, 1.0, 0.0, 0.0, -2.0, 0.0, 0.0, 3.0, 0.0, 0.0];

#[test]
fn leaves_without_weights() {
	for (aggregate, expected) in [("MIN", [-3.0, 0.0, 0.0, 5.0]), ("MAX", [-3.0, 0.0, 0.0, 5.0])] {
		let mut attributes = stump("target", &[(1, 0, -3.0), (2, 1, 5.0)]);
		attributes.push(("n_targets", A::Int(2)));
		attributes.push(("aggregate_function", A::Word(aggregate)));
		let found = model("TreeEnsembleRegressor", &["y"], attributes).run_f32(&[&SIDES]);
		assert_eq!(found, [expected, expected].concat(), "{aggregate}");
	}
	let mut alone = stump("target", &[(1, 0, -3.0)]);
	alone.push(("n_targets", A::Int(1)));
	alone.push(("aggregate_function", A::Word("MAX")));
	let error = model("TreeEnsembleRegressor", &["y"], alone).error();
	assert_eq!(error.kind, ErrorKind::Unsupported, "{error}");
	let twice = stump("target", &[(1, 0, -3.0), (1, 0, 2.0), (2, 0, 1.0)]);
	let error = model("TreeEnsembleRegressor", &["y"], twice).error();
	assert_eq!(error.kind, ErrorKind::Unsupported, "{error}");
}

/// A class whose leaf a row does not reach is not its label, whatever the others' weights.
#[test]
fn labels_of_three() {
	let votes = [(1, 0, -3.0), (1, 2, -1.0), (2, 1, -5.0)];
	let mut attributes = stump("class", &votes);
	attributes.push(("classlabels_int64s", A::Ints(vec![7, 8, 9])));
	let net = model("TreeEnsembleClassifier", &["label", "scores"], attributes);
	assert_eq!(i64s_of(&net.run(&[f32s(&SIDES)])[0]), [9, 8, 9, 8]);
	let mut attributes = stump("class", &votes[..2]);
	attributes.push(("classlabels_int64s", A::Ints(vec![7, 8, 9])));
	let error = model("TreeEnsembleClassifier", &["label", "scores"], attributes).error();
	assert!(
		error.kind == ErrorKind::Unsupported && error.reason.contains("without any"),
		"{error}"
	);
}

/// With weights for both labels the sign of the second score decides, or of the first where there is no second.
#[test]
fn labels_of_two() {
	let net = |labels: &[i64]| {
		let mut attributes = stump("class", &[(1, 0, 0.75), (1, 1, 0.25), (2, 0, -2.0)]);
		attributes.push(("classlabels_int64s", A::Ints(labels.to_vec())));
		model("TreeEnsembleClassifier", &["label", "scores"], attributes)
	};
	let found = net(&[0, 1]).run(&[f32s(&SIDES)]);
	assert_eq!(i64s_of(&found[0]), [1, 0, 1, 0]);
	assert_eq!(floats_of(&found[1])[..4], [0.75, 0.25, 2.0, -2.0]);
	let other = net(&[5, 9]);
	assert_eq!(other.error().kind, ErrorKind::Unsupported);
	let options = CompileOptions { outputs: vec!["scores".into()], ..Default::default() };
	assert!(compile(&other.bytes(), &options).is_ok());
}
