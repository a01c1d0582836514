//! Control flow that is known when the model is compiled: branches whose condition folds, and loops
//! whose number of trips folds, which are written out.

use std::rc::Rc;

use assay_referee::DType;

use super::{place, Walk, FEWER_TURNS};
use crate::{
	dims::{axis, strides},
	error::{CompileError, ErrorKind, Failure, Result},
	ir::{Builder, Item, Value, ELEMENT_BYTES},
	read::{AttributeValue, Graph, Node},
};

type Outcome<T> = std::result::Result<T, CompileError>;

/// Most trips of one loop; a program has no room for more.
const MAX_TRIPS: u64 = 1 << 14;

const FIX: &str = "fix the input it depends on with --set INPUT=NUMBER";

/// Whether a standard operator runs graphs of its own.
pub(super) fn is_control(op_type: &str) -> bool {
	matches!(op_type, "If" | "Loop" | "Scan" | "SequenceMap")
}

impl<'g, 'a> Walk<'g, 'a> {
	/// Lowers `If`, `Loop`, `Scan` or `SequenceMap`.
	pub(crate) fn control(
		&mut self,
		builder: &mut Builder,
		node: &'g Node<'a>,
		inputs: Vec<Option<Item>>,
		opset: i64,
	) -> Outcome<Vec<Item>> {
		match node.op_type {
			"If" => self.branch(builder, node, &inputs),
			"Loop" => self.repeat(builder, node, &inputs),
			"SequenceMap" => self.map(builder, node, &inputs),
			_ => {
				let scan = Scan::new(node, &inputs, opset).map_err(|f| f.at(place(node)))?;
				self.scan(builder, node, &scan)
			},
		}
	}

	/// One branch where the condition is known; else both, and each result selected.
	fn branch(
		&mut self,
		builder: &mut Builder,
		node: &'g Node<'a>,
		inputs: &[Option<Item>],
	) -> Outcome<Vec<Item>> {
		let fail = |failure: Failure| failure.at(place(node));
		let condition = truth(inputs.first(), "its condition").map_err(fail)?;
		let (Some(yes), Some(no)) = (node.graph("then_branch"), node.graph("else_branch")) else {
			return Err(fail(Failure::invalid("a branch is missing")));
		};
		if let Some(holds) = constant_truth(&condition) {
			return self.run_inner(builder, if holds { yes } else { no }, Vec::new());
		}
		let advise = |mut error: CompileError| {
			error.help = Some(format!("the branch may never be taken: {FIX}"));
			error
		};
		let at = builder.node;
		let taken = self.run_inner(builder, yes, Vec::new()).map_err(advise)?;
		let other = self.run_inner(builder, no, Vec::new()).map_err(advise)?;
		builder.node = at;
		if taken.len() != other.len() {
			return Err(fail(Failure::invalid("its branches have different numbers of outputs")));
		}
		let pairs = taken.iter().zip(&other);
		pairs.map(|(a, b)| either(builder, &condition, a, b).map_err(fail)).collect()
	}

	/// Writes a loop out.
	fn repeat(
		&mut self,
		builder: &mut Builder,
		node: &'g Node<'a>,
		inputs: &[Option<Item>],
	) -> Outcome<Vec<Item>> {
		let fail = |failure: Failure| failure.at(place(node));
		let trips = trips(inputs.first()).map_err(fail)?;
		let mut goes_on = match inputs.get(1) {
			Some(Some(_)) => must_be_known(inputs.get(1)).map_err(fail)?,
			_ => true,
		};
		let body = node.graph("body").ok_or_else(|| fail(Failure::invalid("it has no body")))?;
		let mut state = inputs.iter().skip(2).cloned().collect::<Option<Vec<Item>>>();
		let state = state.take().ok_or_else(|| fail(Failure::invalid("an input is missing")))?;
		let kept = state.len();
		if body.inputs.len() != kept + 2 || body.outputs.len() <= kept {
			return Err(fail(Failure::invalid("its body does not fit its inputs")));
		}
		let mut state = state;
		let mut rows: Vec<Vec<Value>> = vec![Vec::new(); body.outputs.len() - kept - 1];
		let mut trip = 0;
		while goes_on && trips.is_none_or(|trips| trip < trips) {
			if trip >= MAX_TRIPS {
				return Err(fail(too_long()));
			}
			let turn = Value::scalar(DType::I64, trip as i64);
			let mut given = vec![turn.into(), Value::scalar(DType::Bool, 1).into()];
			given.append(&mut state);
			let mut results = self.run_inner(builder, body, given)?;
			goes_on = must_be_known(Some(&Some(results.remove(0)))).map_err(fail)?;
			collect(builder, &mut rows, results.drain(kept..)).map_err(fail)?;
			state = results;
			trip += 1;
		}
		for row in &rows {
			state.push(stack(builder, row, 0, false).map_err(fail)?.into());
		}
		Ok(state)
	}

	/// Runs the body for every element of a sequence, beside those of the other sequences in its place and the
	/// tensors as they are.
	fn map(
		&mut self,
		builder: &mut Builder,
		node: &'g Node<'a>,
		inputs: &[Option<Item>],
	) -> Outcome<Vec<Item>> {
		let fail = |failure: Failure| failure.at(place(node));
		let body = node.graph("body").ok_or_else(|| fail(Failure::invalid("it has no body")))?;
		let given = inputs.iter().cloned().collect::<Option<Vec<Item>>>();
		let given = given.ok_or_else(|| fail(Failure::invalid("an input is missing")))?;
		let Some(Item::Sequence(first)) = given.first() else {
			return Err(fail(Failure::invalid("its input 0 is no sequence")));
		};
		if body.inputs.len() != given.len() {
			return Err(fail(Failure::invalid("its body does not fit its inputs")));
		}
		let differs =
			|item: &Item| matches!(item, Item::Sequence(other) if other.len() != first.len());
		if given.iter().any(differs) {
			return Err(fail(Failure::invalid("its sequences differ in length")));
		}
		let mut columns: Vec<Vec<Value>> = vec![Vec::new(); body.outputs.len()];
		for at in 0..first.len() {
			let element = |item: &Item| match item {
				Item::Sequence(elements) => elements.get(at).cloned().map(Item::Tensor),
				other => Some(other.clone()),
			};
			let elements = given.iter().filter_map(element).collect();
			let results = self.run_inner(builder, body, elements)?;
			collect(builder, &mut columns, results).map_err(fail)?;
		}
		Ok(columns.into_iter().map(|column| Item::Sequence(Rc::new(column))).collect())
	}

	fn scan(
		&mut self,
		builder: &mut Builder,
		node: &'g Node<'a>,
		scan: &Scan,
	) -> Outcome<Vec<Item>> {
		let fail = |failure: Failure| failure.at(place(node));
		let body = node.graph("body").ok_or_else(|| fail(Failure::invalid("it has no body")))?;
		if !scan.batched {
			let values = self.scan_once(builder, node, body, scan)?;
			return Ok(values.into_iter().map(Item::Tensor).collect());
		}
		// Operator set 8 scans every entry of a batch by itself.
		let mut parts: Vec<Vec<Value>> = Vec::new();
		for entry in 0..scan.batch() {
			self.repeat_parts(1)?;
			let single = scan.entry(builder, entry).map_err(fail)?;
			parts.push(self.scan_once(builder, node, body, &single)?);
		}
		let outputs = parts.first().map_or(0, Vec::len);
		let column = |i: usize| parts.iter().map(|part| part[i].clone()).collect::<Vec<_>>();
		let joined = (0..outputs).map(|i| stack(builder, &column(i), 0, false).map_err(fail));
		joined.map(|value| value.map(Item::Tensor)).collect()
	}

	fn scan_once(
		&mut self,
		builder: &mut Builder,
		node: &'g Node<'a>,
		body: &'g Graph<'a>,
		scan: &Scan,
	) -> Outcome<Vec<Value>> {
		let fail = |failure: Failure| failure.at(place(node));
		let kept = scan.state.len();
		if body.inputs.len() != kept + scan.inputs.len() || body.outputs.len() < kept {
			return Err(fail(Failure::invalid("its body does not fit its inputs")));
		}
		let mut state = scan.state.clone();
		let mut rows: Vec<Vec<Value>> = vec![Vec::new(); body.outputs.len() - kept];
		for trip in 0..scan.trips().map_err(fail)? {
			let mut given: Vec<Item> = state.into_iter().map(Item::Tensor).collect();
			for (input, (at, backwards)) in &scan.inputs {
				given.push(row(builder, input, *at, trip, *backwards).map_err(fail)?.into());
			}
			let mut results = self.run_inner(builder, body, given)?;
			collect(builder, &mut rows, results.drain(kept..)).map_err(fail)?;
			state = results.into_iter().map(stacked).collect::<Result<_>>().map_err(fail)?;
		}
		for (i, row) in rows.iter().enumerate() {
			let (at, backwards) = scan.output(i);
			let rank = row.first().map_or(1, |value| value.rank() + 1);
			let at = axis(at, rank).map_err(fail)?;
			state.push(stack(builder, row, at, backwards).map_err(fail)?);
		}
		Ok(state)
	}
}

fn too_long() -> Failure {
	Failure::too_large(format!("it takes more than {MAX_TRIPS} trips")).help(FEWER_TURNS)
}

/// The operands of a `Scan`.
struct Scan {
	state: Vec<Value>,
	/// Each scanned input with its axis, and whether it is read from the end.
	inputs: Vec<(Value, (usize, bool))>,
	output_axes: Vec<i64>,
	output_directions: Vec<i64>,
	batched: bool,
}

impl Scan {
	fn new(node: &Node<'_>, inputs: &[Option<Item>], opset: i64) -> Result<Scan> {
		let ints = |name: &str| -> Vec<i64> {
			match node.attribute(name) {
				Some(AttributeValue::Ints(values)) => values.clone(),
				_ => Vec::new(),
			}
		};
		let batched = opset < 9;
		if batched && inputs.first().is_some_and(Option::is_some) {
			return Err(Failure::unsupported("sequences of different lengths"));
		}
		let given = inputs.iter().skip(usize::from(batched));
		let given = given.map(|item| item.as_ref()?.tensor().cloned()).collect::<Option<Vec<_>>>();
		let mut state =
			given.ok_or_else(|| Failure::invalid("an input is missing or no tensor"))?;
		let count = match node.attribute("num_scan_inputs") {
			Some(AttributeValue::Int(count)) => usize::try_from(*count).ok(),
			_ => None,
		};
		let count = count.filter(|&n| (1..=state.len()).contains(&n));
		let count = count.ok_or_else(|| Failure::invalid("num_scan_inputs does not fit"))?;
		let scanned = state.split_off(state.len() - count);
		let axes = ints("scan_input_axes");
		let directions = ints(if batched { "directions" } else { "scan_input_directions" });
		let mut inputs = Vec::new();
		for (i, value) in scanned.into_iter().enumerate() {
			let at =
				if batched { 1 } else { axis(axes.get(i).copied().unwrap_or(0), value.rank())? };
			if value.rank() <= at {
				return Err(Failure::invalid("a scanned input has too few dimensions"));
			}
			inputs.push((value, (at, directions.get(i) == Some(&1))));
		}
		Ok(Scan {
			state,
			inputs,
			output_axes: ints("scan_output_axes"),
			output_directions: ints("scan_output_directions"),
			batched,
		})
	}

	fn trips(&self) -> Result<u32> {
		let mut lengths = self.inputs.iter().map(|(value, (at, _))| value.dims[*at]);
		let first = lengths.next().unwrap_or(0);
		if lengths.any(|other| other != first) {
			return Err(Failure::invalid("its scanned inputs differ in length"));
		}
		if u64::from(first) <= MAX_TRIPS {
			Ok(first)
		} else {
			Err(too_long())
		}
	}

	fn batch(&self) -> u32 {
		self.inputs.first().map_or(0, |(value, _)| value.dims[0])
	}

	/// The scan of one entry of the batch.
	fn entry(&self, builder: &mut Builder, entry: u32) -> Result<Scan> {
		let mut one = |value: &Value| {
			if value.dims.first().is_some_and(|&batch| entry < batch) {
				row(builder, value, 0, entry, false)
			} else {
				Err(Failure::invalid("its inputs differ in batch size"))
			}
		};
		let state = self.state.iter().map(&mut one).collect::<Result<_>>()?;
		let mut inputs = Vec::new();
		for (value, (_, backwards)) in &self.inputs {
			inputs.push((one(value)?, (0, *backwards)));
		}
		let (output_axes, output_directions) = (Vec::new(), Vec::new());
		Ok(Scan { state, inputs, output_axes, output_directions, batched: false })
	}

	fn output(&self, i: usize) -> (i64, bool) {
		let axis = self.output_axes.get(i).copied().unwrap_or(0);
		(axis, self.output_directions.get(i) == Some(&1))
	}
}

/// A condition: one `bool`.
fn truth(item: Option<&Option<Item>>, what: &str) -> Result<Value> {
	match item {
		Some(Some(Item::Tensor(value))) if value.dtype == DType::Bool && value.elements() == 1 => {
			value.view(vec![])
		},
		_ => Err(Failure::invalid(format!("{what} is not one bool"))),
	}
}

fn constant_truth(value: &Value) -> Option<bool> {
	value.whole_numbers().and_then(|list| list.first().map(|&x| x != 0))
}

fn must_be_known(item: Option<&Option<Item>>) -> Result<bool> {
	let value = truth(item, "its condition")?;
	constant_truth(&value).ok_or_else(|| {
		Failure::new(ErrorKind::DynamicShape, "whether it goes on depends on the model's input")
			.help(FIX)
	})
}

/// The number of trips; `None` where only the condition ends the loop.
fn trips(item: Option<&Option<Item>>) -> Result<Option<u64>> {
	let Some(Some(item)) = item else { return Ok(None) };
	match item.tensor().and_then(Value::whole_numbers).as_deref() {
		Some(&[trips]) => Ok(Some(u64::try_from(trips).unwrap_or(0))),
		Some(_) => Err(Failure::invalid("its number of trips is not one number")),
		None => Err(Failure::new(
			ErrorKind::DynamicShape,
			"its number of trips depends on the model's input",
		)
		.help(FIX)),
	}
}

/// What a condition at run time picks.
fn either(builder: &mut Builder, condition: &Value, a: &Item, b: &Item) -> Result<Item> {
	match (a, b) {
		(Item::Tensor(a), Item::Tensor(b)) => selected(builder, condition, a, b).map(Item::Tensor),
		(Item::Sequence(a), Item::Sequence(b)) if a.len() == b.len() => {
			let pairs = a.iter().zip(b.iter());
			let elements = pairs.map(|(a, b)| selected(builder, condition, a, b));
			Ok(Item::Sequence(Rc::new(elements.collect::<Result<_>>()?)))
		},
		(a, b) => Err(Failure::new(
			ErrorKind::DynamicShape,
			format!(
				"its condition depends on the model's input and its branches give what is {} and what is {}, \
				 or sequences of different lengths",
				a.described(),
				b.described()
			),
		)
		.help(FIX)),
	}
}

/// One of two tensors of one shape.
fn selected(builder: &mut Builder, condition: &Value, a: &Value, b: &Value) -> Result<Value> {
	if a.dtype != b.dtype || a.dims != b.dims {
		return Err(Failure::new(
			ErrorKind::DynamicShape,
			format!(
				"its condition depends on the model's input and its branches give {:?} and {:?}",
				a.dims, b.dims
			),
		)
		.help(FIX));
	}
	builder.select(condition, a, b)
}

/// Adds what a body gives to the rows of before: each may be small, and all of them are not.
fn collect(
	builder: &mut Builder,
	rows: &mut [Vec<Value>],
	items: impl IntoIterator<Item = Item>,
) -> Result<()> {
	for (row, item) in rows.iter_mut().zip(items) {
		builder.spend(ELEMENT_BYTES)?;
		row.push(stacked(item)?);
	}
	Ok(())
}

/// What is joined with others of its kind: a tensor.
fn stacked(item: Item) -> Result<Value> {
	match item {
		Item::Tensor(value) => Ok(value),
		other => Err(Failure::unsupported(format!(
			"its body gives what is {} where a tensor is joined with others",
			other.described()
		))),
	}
}

/// Entry `trip` of an axis, without the axis.
fn row(builder: &mut Builder, x: &Value, at: usize, trip: u32, backwards: bool) -> Result<Value> {
	let trip = if backwards { x.dims[at] - 1 - trip } else { trip };
	let mut steps = strides(&x.dims);
	let offset = steps[at] as u64 * u64::from(trip);
	steps.remove(at);
	let mut dims = x.dims.clone();
	dims.remove(at);
	builder.strided(x, dims, offset, &steps)
}

/// Values joined along a new axis.
fn stack(builder: &mut Builder, rows: &[Value], at: usize, backwards: bool) -> Result<Value> {
	let mut parts = Vec::new();
	for row in rows {
		let mut dims = row.dims.clone();
		if at > dims.len() {
			return Err(Failure::invalid("an output axis does not exist"));
		}
		dims.insert(at, 1);
		parts.push(row.view(dims)?);
	}
	if backwards {
		parts.reverse();
	}
	builder.concat(&parts, at)
}
