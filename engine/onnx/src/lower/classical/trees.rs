//! Ensembles of trees. All trees of all rows go down together: a step looks up, for the node where each stands, the
//! feature, the threshold and the two children, and compares. As many steps as the deepest tree has levels; leaves
//! are their own children. Then the weights of the leaves are joined over the trees, in their order.

use std::collections::{HashMap, HashSet};

use assay_referee::{BinaryFn, DType, OpKind, ReduceFn, UnaryFn};

use super::scores::{rows, Labels, PostTransform};
use crate::{
	dims::check_dims,
	error::{shown, Failure, Result},
	ir::Value,
	lower::{reduction::reduce, Cx},
};

/// Most levels of a tree: every one is eight ops, or a few more.
const MAX_DEPTH: u32 = 64;

/// Most nodes of all trees, leaves among them.
const MAX_NODES: usize = 1 << 20;

/// What a node compares a feature with its threshold by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mode {
	LessOrEqual,
	Less,
	GreaterOrEqual,
	Greater,
	Equal,
	NotEqual,
	Leaf,
}

impl Mode {
	fn of(name: &str) -> Result<Mode> {
		Ok(match name {
			"BRANCH_LEQ" => Mode::LessOrEqual,
			"BRANCH_LT" => Mode::Less,
			"BRANCH_GTE" => Mode::GreaterOrEqual,
			"BRANCH_GT" => Mode::Greater,
			"BRANCH_EQ" => Mode::Equal,
			"BRANCH_NEQ" => Mode::NotEqual,
			"LEAF" => Mode::Leaf,
			other => return Err(Failure::invalid(format!("a node's mode `{}`", shown(other)))),
		})
	}

	/// Whether a feature below, at or above the threshold takes the true branch.
	fn takes(self) -> [bool; 3] {
		match self {
			Mode::LessOrEqual => [true, true, false],
			Mode::Less => [true, false, false],
			Mode::GreaterOrEqual => [false, true, true],
			Mode::Greater => [false, false, true],
			Mode::Equal => [false, true, false],
			Mode::NotEqual => [true, false, true],
			Mode::Leaf => [false; 3],
		}
	}
}

/// A node of the forest; children are places in the forest, a leaf's are its own.
#[derive(Clone, Copy, Debug)]
struct Node {
	mode: Mode,
	feature: i64,
	threshold: f32,
	children: [usize; 2],
	/// Whether NaN takes the true branch.
	nan_is_true: bool,
}

/// The trees, node by node, and the weights `[nodes, targets]`, of leaves.
struct Forest {
	nodes: Vec<Node>,
	roots: Vec<usize>,
	depth: u32,
	weights: Vec<f32>,
	/// Which targets some leaf has a weight for.
	named: Vec<bool>,
	/// Whether every leaf has a weight for every target.
	is_complete: bool,
}

/// The names of the attributes of the leaves' votes, which differ between the operators.
struct Votes {
	trees: &'static str,
	nodes: &'static str,
	targets: &'static str,
	weights: &'static str,
	tensor: &'static str,
}

/// A list of floats, or a tensor of them in another attribute, or only that where the list has no name.
fn numbers(cx: &mut Cx<'_, '_>, list: &str, tensor: &str) -> Result<Vec<f32>> {
	let in_list = if list.is_empty() { None } else { cx.floats(list) };
	let floats = match (in_list, cx.tensor(tensor)) {
		(Some(list), None) => list.to_vec(),
		(None, Some(tensor)) => {
			let value = cx.b.constant(tensor)?;
			value.floats().ok_or_else(|| Failure::invalid("its numbers are no floats"))?
		},
		(None, None) => Vec::new(),
		_ => return Err(Failure::invalid(format!("it has both `{list}` and `{tensor}`"))),
	};
	if floats.iter().any(|x| x.is_nan()) {
		return Err(Failure::invalid(format!("its `{list}` or `{tensor}` has a NaN")));
	}
	Ok(floats)
}

impl Forest {
	/// The trees of an operator with `targets` results.
	fn read(cx: &mut Cx<'_, '_>, targets: u32, votes: &Votes) -> Result<Forest> {
		let ints = |name: &str| cx.ints(name).unwrap_or_default();
		let (trees, ids) = (ints("nodes_treeids"), ints("nodes_nodeids"));
		let (features, missing) =
			(ints("nodes_featureids"), ints("nodes_missing_value_tracks_true"));
		let children = [ints("nodes_truenodeids"), ints("nodes_falsenodeids")];
		let modes = cx.words("nodes_modes")?.unwrap_or_default();
		let count = ids.len();
		if count == 0 {
			return Err(Failure::invalid("it has no nodes"));
		}
		if count > MAX_NODES {
			return Err(Failure::too_large(format!("{count} nodes, the most is {MAX_NODES}")));
		}
		let thresholds = numbers(cx, "nodes_values", "nodes_values_as_tensor")?;
		let lengths = [
			trees.len(),
			features.len(),
			children[0].len(),
			children[1].len(),
			modes.len(),
			thresholds.len(),
		];
		if lengths.iter().any(|&length| length != count) || ![0, count].contains(&missing.len()) {
			return Err(Failure::invalid("its lists of nodes differ in length"));
		}
		cx.b.spend(count as u64 * (64 + 4 * u64::from(targets)))?;
		let mut places = HashMap::new();
		for (place, key) in trees.iter().copied().zip(ids.iter().copied()).enumerate() {
			if places.insert(key, place).is_some() {
				return Err(Failure::invalid(format!("tree {} has node {} twice", key.0, key.1)));
			}
		}
		let mut nodes = Vec::with_capacity(count);
		for i in 0..count {
			let mode = Mode::of(modes[i])?;
			let child = |list: &[i64]| match mode {
				Mode::Leaf => Ok(i),
				_ => places.get(&(trees[i], list[i])).copied().ok_or_else(|| {
					Failure::invalid(format!("tree {} has no node {}", trees[i], list[i]))
				}),
			};
			let is_leaf = mode == Mode::Leaf;
			nodes.push(Node {
				mode,
				feature: if is_leaf { 0 } else { features[i] },
				threshold: if is_leaf { 0.0 } else { thresholds[i] },
				children: [child(children[0])?, child(children[1])?],
				nan_is_true: missing.get(i) == Some(&1),
			});
		}
		let roots = roots(&nodes);
		if roots.len() != trees.iter().collect::<HashSet<_>>().len() {
			return Err(Failure::invalid("a tree has no root, or several"));
		}
		let mut forest = Forest {
			roots,
			depth: 0,
			weights: vec![0.0; count * targets as usize],
			named: vec![false; targets as usize],
			is_complete: false,
			nodes,
		};
		forest.depth = forest.measured()?;
		forest.vote(cx, targets, votes, &places)?;
		Ok(forest)
	}

	/// The trees of `TreeEnsemble`, whose leaves are apart from its nodes: here they come after them.
	fn read_split(cx: &mut Cx<'_, '_>, targets: u32) -> Result<Forest> {
		let ints = |name: &str| cx.ints(name).unwrap_or_default();
		let (features, missing) =
			(ints("nodes_featureids"), ints("nodes_missing_value_tracks_true"));
		let children = [ints("nodes_truenodeids"), ints("nodes_falsenodeids")];
		let leaves = [ints("nodes_trueleafs"), ints("nodes_falseleafs")];
		let (roots, ids) = (ints("tree_roots"), ints("leaf_targetids"));
		let thresholds = numbers(cx, "", "nodes_splits")?;
		let weights = numbers(cx, "", "leaf_weights")?;
		let modes = match cx.tensor("nodes_modes") {
			Some(tensor) => cx.b.constant(tensor)?.whole_numbers().unwrap_or_default(),
			None => Vec::new(),
		};
		let (inner, count) = (features.len(), features.len() + weights.len());
		let lengths = [
			children[0].len(),
			children[1].len(),
			leaves[0].len(),
			leaves[1].len(),
			modes.len(),
			thresholds.len(),
		];
		let fits = lengths.iter().all(|&length| length == inner)
			&& [0, inner].contains(&missing.len())
			&& ids.len() == weights.len();
		if !fits || inner == 0 || roots.is_empty() {
			return Err(Failure::invalid(
				"its lists of nodes or leaves differ in length, or are empty",
			));
		}
		if count > MAX_NODES || roots.len() > MAX_NODES {
			return Err(Failure::too_large(format!("{count} nodes, the most is {MAX_NODES}")));
		}
		cx.b.spend(count as u64 * (64 + 4 * u64::from(targets)))?;
		let place = |at: i64, leaf: bool| {
			let (start, most) = if leaf { (inner, weights.len()) } else { (0, inner) };
			usize::try_from(at).ok().filter(|&at| at < most).map(|at| start + at)
		};
		let missing_node =
			|| Failure::invalid("a branch leads to a node or leaf that is not there");
		let mut nodes = Vec::with_capacity(count);
		for i in 0..inner {
			let mode = match modes[i] {
				0 => Mode::LessOrEqual,
				1 => Mode::Less,
				2 => Mode::GreaterOrEqual,
				3 => Mode::Greater,
				4 => Mode::Equal,
				5 => Mode::NotEqual,
				6 => return Err(Failure::unsupported("a node that asks for membership in a set")),
				other => return Err(Failure::invalid(format!("a node's mode {other}"))),
			};
			let child = |side: usize| {
				place(children[side][i], leaves[side][i] != 0).ok_or_else(missing_node)
			};
			nodes.push(Node {
				mode,
				feature: features[i],
				threshold: thresholds[i],
				children: [child(0)?, child(1)?],
				nan_is_true: missing.get(i) == Some(&1),
			});
		}
		let mut table = vec![0.0; count * targets as usize];
		for (i, (&weight, &target)) in weights.iter().zip(ids).enumerate() {
			let leaf = inner + i;
			let target = usize::try_from(target).ok().filter(|&target| target < targets as usize);
			let target = target.ok_or_else(|| Failure::invalid("a leaf is for no target"))?;
			table[leaf * targets as usize + target] = weight;
			let (mode, children) = (Mode::Leaf, [leaf; 2]);
			nodes.push(Node { mode, feature: 0, threshold: 0.0, children, nan_is_true: false });
		}
		let roots = roots.iter().map(|&root| place(root, false).ok_or_else(missing_node));
		let roots = roots.collect::<Result<Vec<usize>>>()?;
		let mut forest = Forest {
			nodes,
			roots,
			depth: 0,
			weights: table,
			named: vec![true; targets as usize],
			is_complete: targets == 1,
		};
		forest.depth = forest.measured()?;
		Ok(forest)
	}

	/// The levels of the deepest tree.
	fn measured(&self) -> Result<u32> {
		let mut level: Vec<usize> = self.roots.clone();
		let mut visited = 0;
		for depth in 0..=MAX_DEPTH {
			level.retain(|&node| self.nodes[node].mode != Mode::Leaf);
			if level.is_empty() {
				return Ok(depth);
			}
			// A node that is reached on two ways is no tree's.
			visited += level.len();
			if visited > self.nodes.len() {
				break;
			}
			level = level.iter().flat_map(|&node| self.nodes[node].children).collect();
		}
		Err(Failure::too_large(format!("a tree has more than {MAX_DEPTH} levels, or is none")))
	}

	/// Gives leaves their weights.
	fn vote(
		&mut self,
		cx: &mut Cx<'_, '_>,
		targets: u32,
		votes: &Votes,
		places: &HashMap<(i64, i64), usize>,
	) -> Result<()> {
		let weights = numbers(cx, votes.weights, votes.tensor)?;
		let list = |name: &str| cx.ints(name).unwrap_or_default();
		let (trees, nodes, ids) = (list(votes.trees), list(votes.nodes), list(votes.targets));
		if [trees.len(), nodes.len(), ids.len()] != [weights.len(); 3] {
			return Err(Failure::invalid("its lists of leaves differ in length"));
		}
		let mut voted = HashSet::new();
		for i in 0..weights.len() {
			let place = places.get(&(trees[i], nodes[i]));
			let target = usize::try_from(ids[i]).ok().filter(|&target| target < targets as usize);
			let (Some(&place), Some(target)) = (place, target) else {
				return Err(Failure::invalid("a weight is of no leaf, or for no target"));
			};
			if self.nodes[place].mode != Mode::Leaf {
				return Err(Failure::invalid("a weight is of a node that is no leaf"));
			}
			self.weights[place * targets as usize + target] += weights[i];
			self.named[target] = true;
			voted.insert((place, target));
		}
		let leaves = self.nodes.iter().filter(|node| node.mode == Mode::Leaf).count();
		self.is_complete = [voted.len(), weights.len()] == [leaves * targets as usize; 2];
		Ok(())
	}

	/// The weights of the leaves that the rows of `x` reach: `[rows, targets, trees]`.
	fn reached(&self, cx: &mut Cx<'_, '_>, x: &Value) -> Result<Value> {
		let (n, features) = (x.dims[0], x.dims[1]);
		let (count, trees) = (self.nodes.len() as u32, self.roots.len() as u32);
		let is_there = |node: &Node| u32::try_from(node.feature).is_ok_and(|f| f < features);
		if !self.nodes.iter().all(is_there) {
			return Err(Failure::invalid(format!(
				"a node looks at none of the {features} features"
			)));
		}
		check_dims(&[n, trees, self.named.len() as u32])?;
		let whole = |read: &dyn Fn(&Node) -> usize| -> Value {
			let list: Vec<i64> = self.nodes.iter().map(|node| read(node) as i64).collect();
			Value::list_i64(&list)
		};
		let yes = whole(&|node| node.children[0]);
		let no = whole(&|node| node.children[1]);
		let feature = whole(&|node| node.feature as usize);
		let thresholds: Vec<f32> = self.nodes.iter().map(|node| node.threshold).collect();
		let threshold = Value::list_f32(&thresholds, vec![count]);
		let roots: Vec<i64> = self.roots.iter().map(|&root| root as i64).collect();
		let mut at = cx.b.expand(&Value::list_i64(&roots).view(vec![1, trees])?, vec![n, trees])?;
		// Where a row's features begin in all of them.
		cx.b.spend(u64::from(n) * 16)?;
		let starts: Vec<i64> = (0..n).map(|row| i64::from(row) * i64::from(features)).collect();
		let starts = Value::list_i64(&starts).view(vec![n, 1])?;
		let flat = x.view(vec![n * features])?;
		let look = |cx: &mut Cx<'_, '_>, table: &Value, at: &Value| {
			let operands = vec![table.clone(), at.clone()];
			cx.b.push(OpKind::Gather { axis: 0 }, table.dtype, at.dims.clone(), operands)
		};
		for _ in 0..self.depth {
			let column = look(cx, &feature, &at)?;
			let column = cx.b.binary(BinaryFn::Add, &column, &starts)?;
			let value = look(cx, &flat, &column)?;
			let limit = look(cx, &threshold, &at)?;
			let holds = self.holds(cx, &at, &value, &limit, look)?;
			let (yes, no) = (look(cx, &yes, &at)?, look(cx, &no, &at)?);
			at = cx.b.select(&holds, &yes, &no)?;
		}
		let targets = self.named.len() as u32;
		let weights = Value::list_f32(&self.weights, vec![count, targets]);
		let dims = vec![n, trees, targets];
		let taken = cx.b.push(OpKind::Gather { axis: 0 }, DType::F32, dims, vec![weights, at])?;
		cx.b.transpose(&taken, &[0, 2, 1])
	}

	/// Whether the node at which each tree stands takes its true branch.
	fn holds(
		&self,
		cx: &mut Cx<'_, '_>,
		at: &Value,
		value: &Value,
		limit: &Value,
		look: impl Fn(&mut Cx<'_, '_>, &Value, &Value) -> Result<Value>,
	) -> Result<Value> {
		let table = |read: &dyn Fn(&Node) -> bool| -> Value {
			let bytes = self.nodes.iter().map(|node| u8::from(read(node))).collect();
			Value::constant(DType::Bool, vec![self.nodes.len() as u32], bytes)
		};
		let mut inner = self.nodes.iter().filter(|node| node.mode != Mode::Leaf);
		let first = inner.next().map_or(Mode::Leaf, |node| node.mode);
		let mut holds = if inner.all(|node| node.mode == first) {
			match first {
				Mode::LessOrEqual => cx.b.binary(BinaryFn::LessOrEqual, value, limit)?,
				Mode::Less => cx.b.binary(BinaryFn::Less, value, limit)?,
				Mode::GreaterOrEqual => cx.b.binary(BinaryFn::GreaterOrEqual, value, limit)?,
				Mode::Greater => cx.b.binary(BinaryFn::Greater, value, limit)?,
				Mode::Equal | Mode::Leaf => cx.b.binary(BinaryFn::Equal, value, limit)?,
				Mode::NotEqual => {
					let same = cx.b.binary(BinaryFn::Equal, value, limit)?;
					cx.b.unary(UnaryFn::Not, &same)?
				},
			}
		} else {
			let side = |cx: &mut Cx<'_, '_>, i: usize, is: &Value| -> Result<Value> {
				let takes = look(cx, &table(&|node: &Node| node.mode.takes()[i]), at)?;
				cx.b.binary(BinaryFn::And, &takes, is)
			};
			let (below, same) = (
				cx.b.binary(BinaryFn::Less, value, limit)?,
				cx.b.binary(BinaryFn::Equal, value, limit)?,
			);
			let above = cx.b.binary(BinaryFn::Greater, value, limit)?;
			let (below, same) = (side(cx, 0, &below)?, side(cx, 1, &same)?);
			let above = side(cx, 2, &above)?;
			let some = cx.b.binary(BinaryFn::Or, &below, &same)?;
			cx.b.binary(BinaryFn::Or, &some, &above)?
		};
		// NaN differs from every threshold.
		let takes_nan = |node: &Node| node.nan_is_true || node.mode == Mode::NotEqual;
		if self.nodes.iter().any(takes_nan) {
			let tracks = look(cx, &table(&takes_nan), at)?;
			let is_nan = cx.b.unary(UnaryFn::IsNan, value)?;
			let missing = cx.b.binary(BinaryFn::And, &tracks, &is_nan)?;
			holds = cx.b.binary(BinaryFn::Or, &holds, &missing)?;
		}
		Ok(holds)
	}
}

/// The nodes that are no node's children.
fn roots(nodes: &[Node]) -> Vec<usize> {
	let mut is_child = vec![false; nodes.len()];
	for (i, node) in nodes.iter().enumerate() {
		node.children.iter().filter(|&&child| child != i).for_each(|&child| is_child[child] = true);
	}
	(0..nodes.len()).filter(|&i| !is_child[i]).collect()
}

/// Adds the base values, one per target, where there are some.
fn with_base(cx: &mut Cx<'_, '_>, scores: &Value) -> Result<Value> {
	let base = numbers(cx, "base_values", "base_values_as_tensor")?;
	match base.len() {
		0 => Ok(scores.clone()),
		n if n as u32 == scores.dims[1] => {
			cx.b.binary(BinaryFn::Add, scores, &Value::list_f32(&base, vec![n as u32]))
		},
		n => Err(Failure::invalid(format!("{n} base values for {} targets", scores.dims[1]))),
	}
}

/// How many results an ensemble has.
fn targets(cx: &Cx<'_, '_>) -> Result<u32> {
	let targets = u32::try_from(cx.int("n_targets", 1)).ok().filter(|&n| n > 0);
	targets.ok_or_else(|| Failure::invalid("its n_targets is out of range"))
}

/// `TreeEnsembleRegressor`.
pub(crate) fn regressor(cx: &mut Cx<'_, '_>) -> Result<Value> {
	const VOTES: Votes = Votes {
		trees: "target_treeids",
		nodes: "target_nodeids",
		targets: "target_ids",
		weights: "target_weights",
		tensor: "target_weights_as_tensor",
	};
	let targets = targets(cx)?;
	let transform = PostTransform::of(cx.word("post_transform", "NONE")?)?;
	let forest = Forest::read(cx, targets, &VOTES)?;
	let x = rows(cx)?;
	let reached = forest.reached(cx, &x)?;
	let aggregate = Aggregate::of(cx.word("aggregate_function", "SUM")?)?;
	aggregate.check(&forest)?;
	let scores = aggregate.apply(cx, &reached)?;
	let scores = with_base(cx, &scores)?;
	transform.of_targets(cx, &scores)
}

/// `TreeEnsemble`.
pub(crate) fn ensemble(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let targets = targets(cx)?;
	let named = |number: i64, names: [&'static str; 5]| {
		usize::try_from(number).ok().and_then(|at| names.get(at).copied()).unwrap_or("")
	};
	let transform = cx.int("post_transform", 0);
	let transform = PostTransform::of(named(
		transform,
		["NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"],
	))?;
	let aggregate = cx.int("aggregate_function", 1);
	let aggregate = Aggregate::of(named(aggregate, ["AVERAGE", "SUM", "MIN", "MAX", ""]))?;
	let forest = Forest::read_split(cx, targets)?;
	let x = rows(cx)?;
	let reached = forest.reached(cx, &x)?;
	aggregate.check(&forest)?;
	let scores = aggregate.apply(cx, &reached)?;
	transform.of_targets(cx, &scores)
}

/// How the weights of all trees become one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Aggregate {
	Sum,
	Average,
	Min,
	Max,
}

impl Aggregate {
	fn of(name: &str) -> Result<Aggregate> {
		Ok(match name {
			"SUM" => Aggregate::Sum,
			"AVERAGE" => Aggregate::Average,
			"MIN" => Aggregate::Min,
			"MAX" => Aggregate::Max,
			other => {
				return Err(Failure::invalid(format!("aggregate_function `{}`", shown(other))));
			},
		})
	}

	/// A leaf that says nothing of a target counts as 0 in a sum; there is no such number for the others.
	fn check(self, forest: &Forest) -> Result<()> {
		if forest.is_complete || matches!(self, Aggregate::Sum | Aggregate::Average) {
			Ok(())
		} else {
			Err(Failure::unsupported(
				"the least or largest of leaves that have no weight for a target",
			))
		}
	}

	/// Over the trees, the last axis of `[rows, targets, trees]`.
	fn apply(self, cx: &mut Cx<'_, '_>, reached: &Value) -> Result<Value> {
		match self {
			Aggregate::Sum => cx.b.reduce_last(ReduceFn::Sum, reached),
			Aggregate::Average => {
				let trees = reached.dims.last().copied().unwrap_or(1);
				let sum = cx.b.reduce_last(ReduceFn::Sum, reached)?;
				reduce::mean(cx, &sum, trees.into())
			},
			Aggregate::Min => cx.b.reduce_last(ReduceFn::Min, reached),
			Aggregate::Max => cx.b.reduce_last(ReduceFn::Max, reached),
		}
	}
}

/// `TreeEnsembleClassifier`. With two labels and weights for one class alone there is one score, of the second
/// label: above one half where no weight is negative, above 0 otherwise. onnxruntime decides between two labels with
/// weights for both by the sign of the second score, and not by the larger one as the specification has it; that
/// label is refused.
pub(crate) fn classifier(cx: &mut Cx<'_, '_>) -> Result<Vec<Value>> {
	const VOTES: Votes = Votes {
		trees: "class_treeids",
		nodes: "class_nodeids",
		targets: "class_ids",
		weights: "class_weights",
		tensor: "class_weights_as_tensor",
	};
	let labels = Labels::of(cx, "classlabels_int64s", "classlabels_strings")?;
	let transform = PostTransform::of(cx.word("post_transform", "NONE")?)?;
	let forest = Forest::read(cx, labels.count, &VOTES)?;
	let x = rows(cx)?;
	let reached = forest.reached(cx, &x)?;
	let scores = cx.b.reduce_last(ReduceFn::Sum, &reached)?;
	if labels.count != 2 {
		let scores = with_base(cx, &scores)?;
		let label = labels.largest(cx, &scores)?;
		return Ok(vec![label, transform.apply(cx, &scores)?]);
	}
	let base = numbers(cx, "base_values", "base_values_as_tensor")?;
	let positive = forest.weights.iter().all(|&weight| weight >= 0.0);
	let threshold = if positive { 0.5 } else { 0.0 };
	match (forest.named.as_slice(), base.as_slice()) {
		([true, false], [] | [_]) => {
			let score = cx.b.part(&scores, 1, 0, 1)?;
			let score = match base.first() {
				Some(&base) => cx.b.binary_scalar(BinaryFn::Add, &score, base)?,
				None => score,
			};
			let label = labels.above(cx, &score, threshold)?;
			let (first, second) = alone(cx, &score, positive, transform)?;
			Ok(vec![label, cx.b.concat(&[first, second], 1)?])
		},
		([false, true], []) => {
			let score = cx.b.part(&scores, 1, 1, 1)?;
			let label = labels.above(cx, &score, threshold)?;
			Ok(vec![label, transform.apply(cx, &scores)?])
		},
		(_, []) if !cx.wants(0) => {
			let scores = transform.apply(cx, &scores)?;
			Ok(vec![scores.clone(), scores])
		},
		_ => Err(Failure::unsupported(
			"two labels whose scores both have weights, or base values besides, mean different things to \
			 different engines",
		)
		.help("leave the label out with --outputs, and take the larger score")),
	}
}

/// Both scores, where there is one.
fn alone(
	cx: &mut Cx<'_, '_>,
	score: &Value,
	positive: bool,
	transform: PostTransform,
) -> Result<(Value, Value)> {
	let one = Value::scalar_f32(1.0);
	Ok(match (positive, transform) {
		(true, PostTransform::Logistic) => {
			let second = transform.apply(cx, score)?;
			(cx.b.binary(BinaryFn::Sub, &one, &second)?, second)
		},
		(true, _) => (cx.b.binary(BinaryFn::Sub, &one, score)?, score.clone()),
		(false, PostTransform::Logistic) => {
			let other = cx.b.unary(UnaryFn::Neg, score)?;
			(transform.apply(cx, &other)?, transform.apply(cx, score)?)
		},
		(false, _) => (cx.b.unary(UnaryFn::Neg, score)?, score.clone()),
	})
}
