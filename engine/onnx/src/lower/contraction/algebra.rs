//! Determinants and sums of products written as index expressions.

use assay_referee::{BinaryFn, DType, ReduceFn};

use super::whole;
use crate::{
	dims::{product, strides},
	error::{Failure, Result},
	ir::Value,
	lower::{reduction::reduce, Cx},
};

/// Largest matrix whose determinant is written out.
const MOST_ROWS: u32 = 4;

pub(crate) fn determinant(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.float_input(0)?;
	let &[ref outer @ .., rows, columns] = x.dims.as_slice() else {
		return Err(Failure::invalid("its input is no matrix"));
	};
	if rows != columns || rows > MOST_ROWS {
		return Err(Failure::unsupported(format!(
			"a determinant of {rows} by {columns}; it is supported up to {MOST_ROWS} by {MOST_ROWS}"
		)));
	}
	let columns: Vec<u32> = (0..columns).collect();
	let dims = outer.to_vec();
	minor(cx, &x, &dims, 0, &columns)
}

/// The determinant of the rows from `row` on and these columns, expanded along its first row.
fn minor(
	cx: &mut Cx<'_, '_>,
	x: &Value,
	outer: &[u32],
	row: u32,
	columns: &[u32],
) -> Result<Value> {
	let steps = strides(&x.dims);
	let mut sum = None;
	for (i, &column) in columns.iter().enumerate() {
		let size = x.dims[x.rank() - 1];
		let offset = u64::from(row) * u64::from(size) + u64::from(column);
		let entry = cx.b.strided(x, outer.to_vec(), offset, &steps[..outer.len()])?;
		let rest: Vec<u32> = columns.iter().copied().filter(|&other| other != column).collect();
		let term = if rest.is_empty() {
			entry
		} else {
			let inner = minor(cx, x, outer, row + 1, &rest)?;
			cx.b.binary(BinaryFn::Mul, &entry, &inner)?
		};
		let function = if i % 2 == 0 { BinaryFn::Add } else { BinaryFn::Sub };
		sum = Some(match sum {
			None => term,
			Some(sum) => cx.b.binary(function, &sum, &term)?,
		});
	}
	sum.ok_or_else(|| Failure::invalid("a matrix without columns"))
}

/// A tensor whose axes have letters.
struct Term {
	value: Value,
	letters: Vec<char>,
}

/// Stands for the axes of an ellipsis: upper half of the private use area.
fn ellipsis_letter(i: usize) -> char {
	char::from_u32(0xe000 + i as u32).unwrap_or('\u{e000}')
}

/// The letters of one operand; an ellipsis stands for what is left of `rank` axes.
fn letters(text: &str, rank: usize) -> Result<Vec<char>> {
	let fail = || {
		Failure::invalid(format!(
			"`{}` does not fit an operand of {rank} axes",
			crate::error::shown(text)
		))
	};
	let named = text.chars().filter(|c| c.is_ascii_alphabetic()).count();
	if named > rank || text.replace("...", "").chars().any(|c| !c.is_ascii_alphabetic()) {
		return Err(fail());
	}
	let open: Vec<char> = (0..rank - named).rev().map(ellipsis_letter).collect();
	let found: Vec<char> = match text.split_once("...") {
		None => text.chars().collect(),
		Some((before, after)) => before.chars().chain(open).chain(after.chars()).collect(),
	};
	if found.len() == rank {
		Ok(found)
	} else {
		Err(fail())
	}
}

/// The output's letters where the equation names none: those of an ellipsis, then those that occur
/// once, in the order of the alphabet.
fn implied(letters: &[Vec<char>]) -> Vec<char> {
	let mut all = letters.concat();
	all.sort_unstable();
	let once = |c: &char| all.iter().filter(|other| *other == c).count() == 1;
	let mut found: Vec<char> = all.iter().copied().filter(|c| !c.is_ascii()).rev().collect();
	found.dedup();
	found.extend(all.iter().copied().filter(|c| c.is_ascii() && once(c)));
	found
}

pub(crate) fn einsum(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let inputs = cx.all_inputs()?;
	let equation: String =
		cx.word("equation", "")?.chars().filter(|c| !c.is_whitespace()).collect();
	let (left, right) = match equation.split_once("->") {
		Some((left, right)) => (left, Some(right)),
		None => (equation.as_str(), None),
	};
	let texts: Vec<&str> = left.split(',').collect();
	if texts.len() != inputs.len() {
		return Err(Failure::invalid("its equation has another number of operands"));
	}
	let named = texts
		.iter()
		.zip(&inputs)
		.map(|(text, value)| letters(text, value.rank()))
		.collect::<Result<Vec<_>>>()?;
	let out = match right {
		None => implied(&named),
		Some(text) => {
			let open = named.iter().flatten().filter(|c| !c.is_ascii());
			let open = open.max().map_or(0, |&c| c as usize - 0xe000 + 1);
			let named = text.replace("...", "").len();
			let rank = if text.contains("...") { named + open } else { named };
			letters(text, rank)?
		},
	};
	let mut terms = Vec::new();
	for (letters, value) in named.into_iter().zip(inputs) {
		terms.push(diagonal(cx, Term { value, letters })?);
	}
	let mut terms = terms.into_iter();
	let mut joined = terms.next().ok_or_else(|| Failure::invalid("it has no operands"))?;
	let mut rest: Vec<Term> = terms.collect();
	while !rest.is_empty() {
		let next = rest.remove(0);
		let needed = |c: &char| out.contains(c) || rest.iter().any(|term| term.letters.contains(c));
		joined = contracted(cx, joined, next, needed)?;
	}
	let joined = summed(cx, joined, |c| out.contains(c))?;
	arranged(cx, &joined, &out)
}

/// Axes with the same letter become one.
fn diagonal(cx: &mut Cx<'_, '_>, term: Term) -> Result<Term> {
	let steps = strides(&term.value.dims);
	let (mut kept, mut dims, mut sums) = (Vec::new(), Vec::new(), Vec::<i64>::new());
	for ((&letter, &dim), &step) in term.letters.iter().zip(&term.value.dims).zip(&steps) {
		match kept.iter().position(|&other| other == letter) {
			Some(at) if dims[at] == dim => sums[at] += step,
			Some(_) => return Err(Failure::invalid("one letter has two sizes")),
			None => {
				kept.push(letter);
				dims.push(dim);
				sums.push(step);
			},
		}
	}
	let value = cx.b.strided(&term.value, dims, 0, &sums)?;
	Ok(Term { value, letters: kept })
}

/// Sums over the letters that nothing needs.
fn summed(cx: &mut Cx<'_, '_>, term: Term, needed: impl Fn(&char) -> bool) -> Result<Term> {
	let gone: Vec<usize> = (0..term.letters.len()).filter(|&d| !needed(&term.letters[d])).collect();
	if gone.is_empty() {
		return Ok(term);
	}
	let rows = reduce::gather_axes(cx, &term.value, &gone)?;
	let value = cx.b.reduce_last(ReduceFn::Sum, &rows)?;
	let letters = term.letters.into_iter().filter(|c| needed(c)).collect();
	Ok(Term { value, letters })
}

/// The axes in the order of `letters`, all of which the term must have.
fn arranged(cx: &mut Cx<'_, '_>, term: &Term, letters: &[char]) -> Result<Value> {
	let place = |c: &char| term.letters.iter().position(|other| other == c);
	let order: Option<Vec<usize>> = letters.iter().map(place).collect();
	match order {
		Some(order) if order.len() == term.letters.len() => cx.b.transpose(&term.value, &order),
		_ => Err(Failure::invalid("its output names an axis that no operand has, or one twice")),
	}
}

/// The product of two terms, summed over the letters of both that nothing else needs.
fn contracted(
	cx: &mut Cx<'_, '_>,
	a: Term,
	b: Term,
	needed: impl Fn(&char) -> bool,
) -> Result<Term> {
	let a = summed(cx, a, |c| needed(c) || b.letters.contains(c))?;
	let b = summed(cx, b, |c| needed(c) || a.letters.contains(c))?;
	let pick = |term: &Term, keep: &dyn Fn(&char) -> bool| -> Vec<char> {
		term.letters.iter().copied().filter(|c| keep(c)).collect()
	};
	let shared: Vec<char> = pick(&a, &|c| b.letters.contains(c) && needed(c));
	let inner: Vec<char> = pick(&a, &|c| b.letters.contains(c) && !needed(c));
	let rows: Vec<char> = pick(&a, &|c| !b.letters.contains(c));
	let columns: Vec<char> = pick(&b, &|c| !a.letters.contains(c));
	let size = |term: &Term, letters: &[char]| -> Vec<u32> {
		let at = |c: &char| term.letters.iter().position(|other| other == c);
		letters.iter().filter_map(at).map(|d| term.value.dims[d]).collect()
	};
	for letter in shared.iter().chain(&inner) {
		if size(&a, &[*letter]) != size(&b, &[*letter]) {
			return Err(Failure::unsupported("one letter has two sizes"));
		}
	}
	let (batch, m, n) = (size(&a, &shared), size(&a, &rows), size(&b, &columns));
	let k = product(&size(&a, &inner)) as u32;
	let mut matrix = |term: &Term, own: &[char], count: &[u32]| -> Result<Value> {
		let order = [&shared, own, &inner].concat();
		let flat = arranged(cx, term, &order)?;
		flat.view(vec![product(&batch) as u32, product(count) as u32, k])
	};
	let (left, right) = (matrix(&a, &rows, &m)?, matrix(&b, &columns, &n)?);
	let dims = [batch.clone(), m, n].concat();
	crate::dims::check_dims(&dims)?;
	if product(&dims) == 0 || k == 0 {
		return Err(Failure::unsupported("an operand is empty"));
	}
	let count = product(&batch) as u32;
	let value = match (left.dtype, right.dtype) {
		(DType::F32, DType::F32) => cx.b.matmul(left, right, None, count)?,
		_ => whole::rows_by_rows(cx, &left, &right, count)?,
	};
	let value = value.view(dims)?;
	Ok(Term { value, letters: [shared, rows, columns].concat() })
}
