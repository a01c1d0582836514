//! Which ops run together: elementwise chains, softmax, normalisations.

use assay_kernels::{Fused, Member};
use assay_referee::{OpKind, OpRecord, Program, Source};
use std::{cmp::Reverse, collections::BinaryHeap};

/// Ops that are executed as one step, ascending, and the region they form if there are several.
#[derive(Debug)]
pub(crate) struct Group {
	pub(crate) ops: Vec<u32>,
	pub(crate) fused: Option<Fused>,
}

/// Partitions the ops that `wanted` names into groups, in an order of execution.
///
/// An op joins the groups that its operands come from where the kernels can run all of them as one
/// region and no path leads out of the union and back into it; those that `alone` names do not.
/// With `each` every op's output is written, otherwise those that other groups read.
pub(crate) fn groups(
	program: &Program,
	wanted: impl Fn(u32) -> bool,
	alone: impl Fn(u32) -> bool,
	each: bool,
) -> Vec<Group> {
	let fusible = |(i, op): (usize, &OpRecord)| kind_fuses(op.kind) && !alone(i as u32);
	let mut grouping = Grouping {
		program,
		fusible: program.ops.iter().enumerate().map(fusible).collect(),
		group_of: vec![usize::MAX; program.ops.len()],
		members: Vec::new(),
	};
	for op in (0..program.ops.len() as u32).filter(|&op| wanted(op)) {
		grouping.place(op);
	}
	grouping.finish(each)
}

struct Grouping<'a> {
	program: &'a Program,
	/// For every op whether it may run together with others.
	fusible: Vec<bool>,
	/// For every op its group, `usize::MAX` for those that are not executed.
	group_of: Vec<usize>,
	/// The ops of every group, ascending; empty once it has joined another.
	members: Vec<Vec<u32>>,
}

fn kind_fuses(kind: OpKind) -> bool {
	matches!(
		kind,
		OpKind::Unary(_)
			| OpKind::Cast
			| OpKind::Binary(_)
			| OpKind::Select
			| OpKind::Reduce(_)
			| OpKind::RoundTo { .. }
			| OpKind::Map(_)
			| OpKind::MapReduce { .. }
	)
}

impl Grouping<'_> {
	fn place(&mut self, op: u32) {
		let own = self.members.len();
		self.members.push(vec![op]);
		self.group_of[op as usize] = own;
		if !self.fusible[op as usize] {
			return;
		}
		let mut candidates: Vec<usize> = self
			.sources(op)
			.map(|source| self.group_of[source as usize])
			.filter(|&group| group != usize::MAX && group != own)
			.filter(|&group| self.fusible[self.members[group][0] as usize])
			.collect();
		candidates.sort_unstable();
		candidates.dedup();
		// All at once where that is possible, else one after another, the latest first.
		if candidates.len() > 1 && self.join(own, &candidates) {
			return;
		}
		for &candidate in candidates.iter().rev() {
			let own = self.group_of[op as usize];
			self.join(own, &[candidate]);
		}
		if let Some(twin) = self.twin(op).filter(|&twin| twin != self.group_of[op as usize]) {
			let own = self.group_of[op as usize];
			self.join(own, &[twin]);
		}
	}

	/// The group of a reduction shortly before `op`, of the same rows: the least and the largest of them, from
	/// which a scale follows, are read once.
	fn twin(&self, op: u32) -> Option<usize> {
		const NEAR: u32 = 3;
		let reduces = |op: &OpRecord| matches!(op.kind, OpKind::Reduce(_));
		let own = self.program.ops.get(op as usize).filter(|op| reduces(op))?;
		let before = (op.saturating_sub(NEAR)..op).rev().find(|&before| {
			let other = &self.program.ops[before as usize];
			reduces(other) && other.operands == own.operands && self.fusible[before as usize]
		})?;
		Some(self.group_of[before as usize]).filter(|&group| group != usize::MAX)
	}

	/// Unites group `own` with `others`, if they can run as one.
	fn join(&mut self, own: usize, others: &[usize]) -> bool {
		let mut union = self.members[own].clone();
		others.iter().for_each(|&other| union.extend(&self.members[other]));
		union.sort_unstable();
		if self.region(&union, |_| false).is_none() || self.is_left_and_entered(&union) {
			return false;
		}
		for &op in &union {
			self.group_of[op as usize] = own;
		}
		others.iter().for_each(|&other| self.members[other].clear());
		self.members[own] = union;
		true
	}

	fn region(&self, ops: &[u32], keep: impl Fn(u32) -> bool) -> Option<Fused> {
		let members: Vec<Member<'_>> = ops
			.iter()
			.map(|&index| Member {
				index,
				op: &self.program.ops[index as usize],
				keep: keep(index),
			})
			.collect();
		Fused::new(&members)
	}

	/// Whether an operand from outside depends on one of `ops`: groups are executed whole, so it
	/// could be computed neither before nor after.
	fn is_left_and_entered(&self, ops: &[u32]) -> bool {
		let inside: Vec<usize> = ops.iter().map(|&op| self.group_of[op as usize]).collect();
		let mut seen = vec![false; self.members.len()];
		let mut stack: Vec<usize> = Vec::new();
		let outside = |op: u32, stack: &mut Vec<usize>| {
			let groups = self.sources(op).map(|source| self.group_of[source as usize]);
			stack.extend(groups.filter(|&group| group != usize::MAX));
		};
		ops.iter().for_each(|&op| outside(op, &mut stack));
		stack.retain(|group| !inside.contains(group));
		while let Some(group) = stack.pop() {
			if inside.contains(&group) {
				return true;
			}
			if !std::mem::replace(&mut seen[group], true) {
				self.members[group].iter().for_each(|&op| outside(op, &mut stack));
			}
		}
		false
	}

	/// The ops that an op reads, through those that are not executed.
	fn sources(&self, op: u32) -> impl Iterator<Item = u32> + '_ {
		let direct = |op: u32| {
			self.program.ops[op as usize].operands.iter().filter_map(|operand| {
				match operand.source {
					Source::Op(source) => Some(source),
					_ => None,
				}
			})
		};
		direct(op).flat_map(move |source| {
			let executed = self.group_of[source as usize] != usize::MAX;
			let through = (!executed).then(|| direct(source)).into_iter().flatten();
			executed.then_some(source).into_iter().chain(through)
		})
	}

	/// The groups in an order in which each finds its operands computed.
	fn finish(self, each: bool) -> Vec<Group> {
		let count = self.members.len();
		let mut waits = vec![0usize; count];
		let mut users: Vec<Vec<usize>> = vec![Vec::new(); count];
		let mut read_outside = vec![false; self.program.ops.len()];
		read_outside.iter_mut().last().into_iter().for_each(|last| *last = true);
		for (group, ops) in self.members.iter().enumerate() {
			for source in ops.iter().flat_map(|&op| self.sources(op)) {
				let from = self.group_of[source as usize];
				if from != group {
					read_outside[source as usize] = true;
					users[from].push(group);
					waits[group] += 1;
				}
			}
		}
		let key = |group: usize| Reverse((self.members[group].last().copied(), group));
		let mut ready: BinaryHeap<_> = (0..count)
			.filter(|&group| waits[group] == 0 && !self.members[group].is_empty())
			.map(key)
			.collect();
		let mut order = Vec::new();
		while let Some(Reverse((_, group))) = ready.pop() {
			let ops = &self.members[group];
			let fused = self.fusible[ops[0] as usize]
				.then(|| self.region(ops, |op| each || read_outside[op as usize]))
				.flatten();
			order.push(Group { ops: ops.clone(), fused });
			for &user in &users[group] {
				waits[user] -= 1;
				if waits[user] == 0 {
					ready.push(key(user));
				}
			}
		}
		order
	}
}
