//! The trees of an ensemble, as a list of nodes: read from either form that the operators have, checked and measured.

use std::collections::{HashMap, HashSet};

use super::sets::Sets;
use crate::{
	error::{shown, Failure, Result},
	lower::Cx,
};

/// Most levels of a tree: every one is eight ops, or a few more.
const MAX_DEPTH: u32 = 64;

/// Most nodes of all trees, leaves among them.
const MAX_NODES: usize = 1 << 20;

/// What a node compares a feature with its threshold by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mode {
	LessOrEqual,
	Less,
	GreaterOrEqual,
	Greater,
	Equal,
	NotEqual,
	/// It asks whether the feature is in a set.
	Member,
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
	pub(super) fn takes(self) -> [bool; 3] {
		match self {
			Mode::LessOrEqual => [true, true, false],
			Mode::Less => [true, false, false],
			Mode::GreaterOrEqual => [false, true, true],
			Mode::Greater => [false, false, true],
			Mode::Equal => [false, true, false],
			Mode::NotEqual => [true, false, true],
			Mode::Member | Mode::Leaf => [false; 3],
		}
	}
}

/// A node of the forest; children are places in the forest, a leaf's are its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
	pub(super) mode: Mode,
	pub(super) feature: i64,
	pub(super) threshold: f32,
	pub(super) children: [usize; 2],
	/// Whether NaN takes the true branch.
	pub(super) nan_is_true: bool,
	/// The number of its set, 0 where it asks for none.
	pub(super) set: usize,
}

/// The trees, node by node, and the weights `[nodes, targets]`, of leaves.
pub(super) struct Forest {
	pub(super) nodes: Vec<Node>,
	pub(super) roots: Vec<usize>,
	pub(super) depth: u32,
	pub(super) weights: Vec<f32>,
	/// Where there is a weight, 0 or not.
	pub(super) voted: Vec<bool>,
	/// Which targets some leaf has a weight for.
	pub(super) named: Vec<bool>,
	/// For every target, whether some tree has a weight for it in all leaves, so that every row reaches one.
	certain: Vec<bool>,
	/// Whether some tree has a weight, for whatever target, in all leaves.
	always_votes: bool,
	pub(super) sets: Sets,
}

/// The names of the attributes of the leaves' votes, which differ between the operators.
pub(super) struct Votes {
	pub(super) trees: &'static str,
	pub(super) nodes: &'static str,
	pub(super) targets: &'static str,
	pub(super) weights: &'static str,
	pub(super) tensor: &'static str,
}

/// A list of floats, or a tensor of them in another attribute, or only that where the list has no name.
pub(super) fn numbers(cx: &mut Cx<'_, '_>, list: &str, tensor: &str) -> Result<Vec<f32>> {
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
	pub(super) fn read(cx: &mut Cx<'_, '_>, targets: u32, votes: &Votes) -> Result<Forest> {
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
		cx.b.spend(count as u64 * (64 + 8 * u64::from(targets)))?;
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
				set: 0,
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
			voted: vec![false; count * targets as usize],
			named: vec![false; targets as usize],
			certain: Vec::new(),
			always_votes: false,
			sets: Sets::default(),
			nodes,
		};
		forest.depth = forest.measured()?;
		forest.vote(cx, targets, votes, &places)?;
		forest.note_certain();
		Ok(forest)
	}

	/// The trees of `TreeEnsemble`, whose leaves are apart from its nodes: here they come after them.
	pub(super) fn read_split(cx: &mut Cx<'_, '_>, targets: u32) -> Result<Forest> {
		let ints = |name: &str| cx.ints(name).unwrap_or_default();
		let (features, missing) =
			(ints("nodes_featureids"), ints("nodes_missing_value_tracks_true"));
		let children = [ints("nodes_truenodeids"), ints("nodes_falsenodeids")];
		let leaves = [ints("nodes_trueleafs"), ints("nodes_falseleafs")];
		let (roots, ids) = (ints("tree_roots"), ints("leaf_targetids"));
		// Nodes that ask for sets have no threshold, for which files write NaN.
		let thresholds = match cx.tensor("nodes_splits") {
			Some(tensor) => cx.b.any_floats(tensor)?.unwrap_or_default(),
			None => Vec::new(),
		};
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
		cx.b.spend(count as u64 * (64 + 8 * u64::from(targets)))?;
		let place = |at: i64, leaf: bool| {
			let (start, most) = if leaf { (inner, weights.len()) } else { (0, inner) };
			usize::try_from(at).ok().filter(|&at| at < most).map(|at| start + at)
		};
		let missing_node =
			|| Failure::invalid("a branch leads to a node or leaf that is not there");
		let mut nodes = Vec::with_capacity(count);
		let (sets, numbers) = Sets::read(cx, &modes)?;
		for i in 0..inner {
			let mode = match modes[i] {
				0 => Mode::LessOrEqual,
				1 => Mode::Less,
				2 => Mode::GreaterOrEqual,
				3 => Mode::Greater,
				4 => Mode::Equal,
				5 => Mode::NotEqual,
				6 => Mode::Member,
				other => return Err(Failure::invalid(format!("a node's mode {other}"))),
			};
			if mode != Mode::Member && thresholds[i].is_nan() {
				return Err(Failure::invalid("a node's threshold is NaN"));
			}
			let child = |side: usize| {
				place(children[side][i], leaves[side][i] != 0).ok_or_else(missing_node)
			};
			nodes.push(Node {
				mode,
				feature: features[i],
				threshold: if mode == Mode::Member { 0.0 } else { thresholds[i] },
				children: [child(0)?, child(1)?],
				nan_is_true: missing.get(i) == Some(&1),
				set: numbers[i],
			});
		}
		let mut table = vec![0.0; count * targets as usize];
		let mut voted = vec![false; count * targets as usize];
		let mut named = vec![false; targets as usize];
		for (i, (&weight, &target)) in weights.iter().zip(ids).enumerate() {
			let leaf = inner + i;
			let target = usize::try_from(target).ok().filter(|&target| target < targets as usize);
			let target = target.ok_or_else(|| Failure::invalid("a leaf is for no target"))?;
			table[leaf * targets as usize + target] = weight;
			voted[leaf * targets as usize + target] = true;
			named[target] = true;
			nodes.push(Node {
				mode: Mode::Leaf,
				feature: 0,
				threshold: 0.0,
				children: [leaf; 2],
				nan_is_true: false,
				set: 0,
			});
		}
		let roots = roots.iter().map(|&root| place(root, false).ok_or_else(missing_node));
		let roots = roots.collect::<Result<Vec<usize>>>()?;
		let mut forest = Forest {
			nodes,
			roots,
			depth: 0,
			weights: table,
			voted,
			named,
			certain: Vec::new(),
			always_votes: false,
			sets,
		};
		forest.depth = forest.measured()?;
		forest.note_certain();
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
		for i in 0..weights.len() {
			let place = places.get(&(trees[i], nodes[i]));
			let target = usize::try_from(ids[i]).ok().filter(|&target| target < targets as usize);
			let (Some(&place), Some(target)) = (place, target) else {
				return Err(Failure::invalid("a weight is of no leaf, or for no target"));
			};
			if self.nodes[place].mode != Mode::Leaf {
				return Err(Failure::invalid("a weight is of a node that is no leaf"));
			}
			let at = place * targets as usize + target;
			if std::mem::replace(&mut self.voted[at], true) {
				return Err(Failure::unsupported("a leaf has two weights for one target"));
			}
			self.weights[at] = weights[i];
			self.named[target] = true;
		}
		Ok(())
	}

	/// Notes what every row reaches, whatever it is. Comes after the measuring, which bounds the way through the trees.
	fn note_certain(&mut self) {
		let targets = self.named.len();
		self.certain = vec![false; targets];
		for &root in &self.roots {
			let (mut has_all, mut has_any) = (vec![true; targets], true);
			let mut open = vec![root];
			while let Some(at) = open.pop() {
				if self.nodes[at].mode != Mode::Leaf {
					open.extend(self.nodes[at].children);
					continue;
				}
				let own = &self.voted[at * targets..(at + 1) * targets];
				has_any &= own.contains(&true);
				has_all.iter_mut().zip(own).for_each(|(all, &voted)| *all &= voted);
			}
			self.always_votes |= has_any;
			self.certain.iter_mut().zip(has_all).for_each(|(certain, all)| *certain |= all);
		}
	}

	/// Whether every row reaches a weight for a target.
	pub(super) fn is_certain(&self, target: usize) -> bool {
		self.certain[target]
	}

	/// Whether every leaf has a weight for every target.
	pub(super) fn is_complete(&self) -> bool {
		let votes = self.voted.chunks_exact(self.named.len());
		let mut leaves = self.nodes.iter().zip(votes).filter(|(node, _)| node.mode == Mode::Leaf);
		leaves.all(|(_, votes)| !votes.contains(&false))
	}

	/// Whether every row reaches some weight.
	pub(super) fn always_votes(&self) -> bool {
		self.always_votes
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
