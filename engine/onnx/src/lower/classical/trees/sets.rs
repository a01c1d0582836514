//! The sets of nodes that ask for membership: all members of all sets in one list, and for every set which it has.

use std::collections::HashMap;

use crate::{
	error::{Failure, Result},
	lower::Cx,
};

/// Most bits of all sets: one for each set and member of any.
const MOST_BITS: usize = 1 << 26;

/// What nodes ask for.
#[derive(Default)]
pub(super) struct Sets {
	/// Different values, each in some set.
	pub(super) members: Vec<f32>,
	/// `[sets + 1, members + 1]`: whether set `s` has member `m`, both counted from 1. The first row is of nodes that
	/// ask for no set, the first column of values in no set.
	pub(super) table: Vec<bool>,
}

impl Sets {
	/// The sets, and for every node the number of its own, 0 where its mode is another. They stand in the order of
	/// their nodes with a NaN after each, or between two.
	pub(super) fn read(cx: &mut Cx<'_, '_>, modes: &[i64]) -> Result<(Sets, Vec<usize>)> {
		const MEMBER: i64 = 6;
		let mut count = 0;
		let numbers = modes.iter().map(|&mode| {
			count += usize::from(mode == MEMBER);
			if mode == MEMBER {
				count
			} else {
				0
			}
		});
		let numbers: Vec<usize> = numbers.collect();
		let listed = match cx.tensor("membership_values") {
			Some(tensor) => {
				let listed = cx.b.any_floats(tensor)?;
				listed.ok_or_else(|| Failure::invalid("its members of sets are no floats"))?
			},
			None => Vec::new(),
		};
		if listed.is_empty() && count == 0 {
			return Ok((Sets::default(), numbers));
		}
		cx.b.spend(listed.len() as u64 * 32)?;
		let mut lists: Vec<&[f32]> = listed.split(|x| x.is_nan()).collect();
		if lists.len() == count + 1 && lists.last().is_some_and(|last| last.is_empty()) {
			lists.pop();
		}
		if lists.len() != count {
			return Err(Failure::invalid(format!("{} sets for {count} nodes", lists.len())));
		}
		// 0 and -0 are one member, as they are equal.
		let key = |x: f32| if x == 0.0 { 0 } else { x.to_bits() };
		let (mut places, mut members) = (HashMap::new(), Vec::new());
		for &x in lists.iter().copied().flatten() {
			places.entry(key(x)).or_insert_with(|| {
				members.push(x);
				members.len()
			});
		}
		let width = members.len() + 1;
		let bits = width.checked_mul(count + 1).filter(|&bits| bits <= MOST_BITS);
		let bits = bits.ok_or_else(|| {
			Failure::too_large(format!("{count} sets of {} members in all", members.len()))
		})?;
		cx.b.spend(bits as u64)?;
		let mut table = vec![false; bits];
		for (set, list) in lists.iter().enumerate() {
			for &x in *list {
				table[(set + 1) * width + places[&key(x)]] = true;
			}
		}
		// A node without members asks for nothing, which a list without members would not say.
		if members.is_empty() {
			members.push(0.0);
			table = vec![false; 2 * (count + 1)];
		}
		Ok((Sets { members, table }, numbers))
	}
}
