//! `NonMaxSuppression`: of boxes that cover one another, the one with the highest score.
//!
//! Few boxes are picked one after another: the best that is left, then what it covers goes. Many are picked by one
//! recurrence over the boxes in the order of their scores: the state says of each whether it stays, and box `t` stays
//! when none of those before it that stay covers it, `relu(1 - how many do)`. Sums of zeros and ones are exact.

use assay_referee::{BinaryFn, Cell, DType, OpKind, ScatterFn, UnaryFn, MAX_RANK, MAX_TERMS};

use crate::{
	dims::from_list,
	error::{ErrorKind, Failure, Result},
	ir::{Item, Picked, Value, What},
	lower::{
		movement::{gather::gather_along, index::times},
		reduction::cumulative,
		Cx,
	},
};

/// Most boxes of a class that are picked one after another, each by nine ops of the 1,024 that a program has, and one
/// more where there are several images; of more boxes than one element may look at, by five more.
fn most_turns([images, _, count]: [u32; 3]) -> u32 {
	match (u64::from(count) < MAX_TERMS, images) {
		(true, 1) => 100,
		(true, _) => 90,
		(false, 1) => 64,
		(false, _) => 60,
	}
}

/// Of how many boxes the best is looked for at once where there are too many for one element.
const BLOCK: u32 = 1024;

/// Most boxes whose recurrence is written out: it takes as many steps as there are boxes, of that number squared.
const MOST_BOXES: u32 = 2048;

/// Most recurrences, one for each class of each image.
const MOST_RECURRENCES: u32 = 32;

/// What all images and classes have.
struct Scene {
	/// Images, classes, boxes.
	dims: [u32; 3],
	/// Each value of them `[images, 1, boxes]`.
	boxes: Boxes,
	/// What a box scores, `[images, classes, boxes]`: -∞ where it is no candidate.
	scores: Value,
	/// What part of two boxes together may be covered by both, one element.
	threshold: Value,
}

/// Boxes side by side.
struct Boxes {
	/// Where a box begins and ends along one side, then along the other.
	edges: [Value; 4],
	area: Value,
}

impl Boxes {
	fn new(cx: &mut Cx<'_, '_>, edges: [Value; 4]) -> Result<Boxes> {
		let [top, bottom, left, right] = &edges;
		let height = cx.b.binary(BinaryFn::Sub, bottom, top)?;
		let width = cx.b.binary(BinaryFn::Sub, right, left)?;
		let area = cx.b.binary(BinaryFn::Mul, &height, &width)?;
		Ok(Boxes { edges, area })
	}

	/// What `take` makes of every value.
	fn map(&self, mut take: impl FnMut(&Value) -> Result<Value>) -> Result<Boxes> {
		let [top, bottom, left, right] = &self.edges;
		let edges = [take(top)?, take(bottom)?, take(left)?, take(right)?];
		Ok(Boxes { edges, area: take(&self.area)? })
	}
}

pub(crate) fn non_max_suppression(cx: &mut Cx<'_, '_>) -> Result<Item> {
	let (boxes, scores) = (cx.float_input(0)?, cx.float_input(1)?);
	let (&[images, count, 4], &[same, classes, other]) =
		(boxes.dims.as_slice(), scores.dims.as_slice())
	else {
		return Err(Failure::invalid(
			"its boxes are not [images, boxes, 4], or its scores not of rank 3",
		));
	};
	if same != images || other != count {
		return Err(Failure::invalid(format!(
			"scores of shape {:?} for boxes of shape {:?}",
			scores.dims, boxes.dims
		)));
	}
	let most = most(cx)?.min(count);
	let threshold = threshold(cx)?;
	let scores = candidates(cx, &scores)?;
	if most == 0 || images == 0 || classes == 0 {
		return Ok(Value::constant(DType::I64, vec![0, 3], Vec::new()).into());
	}
	let groups = u64::from(images) * u64::from(classes);
	let boxes = boxes_of(cx, &boxes)?;
	let scene = Scene { dims: [images, classes, count], boxes, scores, threshold };
	let turns = most_turns(scene.dims);
	let is_turn_by_turn = most <= turns;
	if !is_turn_by_turn && (count > MOST_BOXES || groups > MOST_RECURRENCES.into()) {
		return Err(Failure::too_large(format!(
			"{most} of {count} boxes in {groups} classes; up to {turns} are picked of so many, and more of \
			 {MOST_BOXES} boxes in {MOST_RECURRENCES} classes"
		))
		.help("export the model with a smaller max_output_boxes_per_class, or end it before this node"));
	}
	// One element of the result may look at that many.
	let rows = groups * u64::from(if is_turn_by_turn { most } else { count });
	if rows > MAX_TERMS {
		return Err(Failure::too_large(format!(
			"{rows} boxes are put in order at once, the most is {MAX_TERMS}"
		))
		.help("export the model with a smaller max_output_boxes_per_class, or for fewer classes or images"));
	}
	let (picks, valid) = if is_turn_by_turn {
		turn_by_turn(cx, &scene, most)?
	} else {
		by_recurrence(cx, &scene, most)?
	};
	let rows = labelled(cx, &scene, &picks)?;
	let mask = valid.view(vec![rows.dims[0]])?;
	let kept = from_list(&[groups as i64 * i64::from(most)])?[0];
	let filled = filled(cx, &rows, &mask, kept)?;
	Ok(Item::Picked(Picked { mask, what: What::Rows(rows), filled: Some(filled) }))
}

/// Input 2: how many boxes of a class are picked at most.
fn most(cx: &Cx<'_, '_>) -> Result<u32> {
	let Some(value) = cx.optional(2) else { return Ok(0) };
	match value.whole_numbers().as_deref() {
		Some(&[most]) => Ok(u32::try_from(most.max(0)).unwrap_or(u32::MAX)),
		Some(_) => Err(Failure::invalid("its max_output_boxes_per_class is not one number")),
		None => Err(Failure::new(
			ErrorKind::DynamicShape,
			"its max_output_boxes_per_class depends on the model's input",
		)
		.help("fix the input it depends on with --set INPUT=NUMBER")),
	}
}

fn threshold(cx: &Cx<'_, '_>) -> Result<Value> {
	let Some(value) = cx.optional(3) else { return Ok(Value::scalar_f32(0.0)) };
	if value.dtype != DType::F32 || value.elements() != 1 {
		return Err(Failure::invalid("its iou_threshold is not one float"));
	}
	if value.uniform_f32().is_some_and(|part| !(0.0..=1.0).contains(&part)) {
		return Err(Failure::invalid("its iou_threshold is not between 0 and 1"));
	}
	value.view(vec![])
}

/// The scores above the threshold, where there is one; -∞ elsewhere.
fn candidates(cx: &mut Cx<'_, '_>, scores: &Value) -> Result<Value> {
	let nothing = Value::scalar_f32(f32::NEG_INFINITY);
	if let Some(threshold) = cx.optional(4) {
		if threshold.dtype != DType::F32 || threshold.elements() != 1 {
			return Err(Failure::invalid("its score_threshold is not one float"));
		}
		let above = cx.b.binary(BinaryFn::Greater, scores, &threshold.view(vec![])?)?;
		return cx.b.select(&above, scores, &nothing);
	}
	// Without one all are candidates, the lowest too.
	let nan = cx.b.unary(UnaryFn::IsNan, scores)?;
	let scores = cx.b.binary_scalar(BinaryFn::Max, scores, f32::MIN)?;
	cx.b.select(&nan, &nothing, &scores)
}

/// Boxes `[images, boxes, 4]`, of which the file has two corners, in any order, or a centre and a size.
fn boxes_of(cx: &mut Cx<'_, '_>, boxes: &Value) -> Result<Boxes> {
	let (images, count) = (boxes.dims[0], boxes.dims[1]);
	let of_centre = match cx.int("center_point_box", 0) {
		0 => false,
		1 => true,
		other => return Err(Failure::invalid(format!("center_point_box={other} does not exist"))),
	};
	let column = |cx: &mut Cx<'_, '_>, i: u64| {
		let steps = [i64::from(count) * 4, 0, 4];
		cx.b.strided(boxes, vec![images, 1, count], i, &steps)
	};
	let columns = [column(cx, 0)?, column(cx, 1)?, column(cx, 2)?, column(cx, 3)?];
	let mut pair = |a: &Value, b: &Value| -> Result<[Value; 2]> {
		if of_centre {
			let half = cx.b.binary_scalar(BinaryFn::Div, b, 2.0)?;
			let begin = cx.b.binary(BinaryFn::Sub, a, &half)?;
			return Ok([begin, cx.b.binary(BinaryFn::Add, a, &half)?]);
		}
		Ok([cx.b.binary(BinaryFn::Min, a, b)?, cx.b.binary(BinaryFn::Max, a, b)?])
	};
	let [one, two] = [pair(&columns[0], &columns[2])?, pair(&columns[1], &columns[3])?];
	let ([a, b], [c, d]) = (one, two);
	Boxes::new(cx, [a, b, c, d])
}

/// Whether boxes cover one another by more than the threshold, with broadcasting.
fn covered(cx: &mut Cx<'_, '_>, a: &Boxes, b: &Boxes, threshold: &Value) -> Result<Value> {
	let mut side = |at: usize| -> Result<Value> {
		let begin = cx.b.binary(BinaryFn::Max, &a.edges[at], &b.edges[at])?;
		let end = cx.b.binary(BinaryFn::Min, &a.edges[at + 1], &b.edges[at + 1])?;
		let length = cx.b.binary(BinaryFn::Sub, &end, &begin)?;
		cx.b.unary(UnaryFn::Relu, &length)
	};
	let (height, width) = (side(0)?, side(2)?);
	let shared = cx.b.binary(BinaryFn::Mul, &height, &width)?;
	let both = cx.b.binary(BinaryFn::Add, &a.area, &b.area)?;
	let together = cx.b.binary(BinaryFn::Sub, &both, &shared)?;
	let part = cx.b.binary(BinaryFn::Div, &shared, &together)?;
	let above = cx.b.binary(BinaryFn::Greater, &part, threshold)?;
	let touches = cx.b.binary_scalar(BinaryFn::Greater, &shared, 0.0)?;
	cx.b.binary(BinaryFn::And, &above, &touches)
}

/// Where the boxes `[images, classes, count]` lie in values `[images, rows, of]`, each image's or class's own.
fn places(cx: &mut Cx<'_, '_>, boxes: &Value, [rows, of]: [u32; 2]) -> Result<Value> {
	let images = boxes.dims[0];
	if images * rows == 1 {
		return Ok(boxes.clone());
	}
	let starts = cx.b.iota(images * rows)?.view(vec![images, rows, 1])?;
	let starts = times(cx, &starts, of.into())?;
	cx.b.binary(BinaryFn::Add, boxes, &starts)
}

/// The values at places.
fn taken(cx: &mut Cx<'_, '_>, x: &Value, places: &Value) -> Result<Value> {
	let flat = x.view(from_list(&[x.elements() as i64])?)?;
	gather_along(cx, &flat, places, 0)
}

/// Values `[images, rows, boxes]` behind as many more of the same kind.
fn behind(cx: &mut Cx<'_, '_>, x: &Value, count: u32, fill: f32) -> Result<Value> {
	let mut before = [0; MAX_RANK];
	before[2] = count;
	let dims =
		from_list(&[x.dims[0].into(), x.dims[1].into(), i64::from(x.dims[2]) + i64::from(count)])?;
	let kind = OpKind::Pad { before, fill: fill.to_bits().into() };
	cx.b.push(kind, x.dtype, dims, vec![x.clone()])
}

/// Picks the best that is left, and takes away what it covers, `most` times: the boxes, and whether there was one,
/// both `[images, classes, most]`.
///
/// Before the boxes stands what is no candidate: the first of several equals is the best, so it is picked when none
/// is left.
fn turn_by_turn(cx: &mut Cx<'_, '_>, scene: &Scene, most: u32) -> Result<(Value, Value)> {
	let [images, classes, count] = scene.dims;
	let front = if u64::from(count) < MAX_TERMS { 1 } else { BLOCK - count % BLOCK };
	let nothing = Value::scalar_f32(f32::NEG_INFINITY);
	let own = cx.b.iota(count.saturating_add(front))?;
	let mut left = behind(cx, &scene.scores, front, f32::NEG_INFINITY)?;
	let boxes = scene.boxes.map(|value| behind(cx, value, front, 0.0))?;
	let mut picks = Vec::new();
	for turn in 0..most {
		let best = cx.b.arg_max_last(&left)?.view(vec![images, classes, 1])?;
		picks.push(best.clone());
		if turn + 1 == most {
			break;
		}
		let at = places(cx, &best, [1, count + front])?;
		let chosen = boxes.map(|value| taken(cx, value, &at))?;
		let covered = covered(cx, &boxes, &chosen, &scene.threshold)?;
		let itself = cx.b.binary(BinaryFn::Equal, &own, &best)?;
		let gone = cx.b.binary(BinaryFn::Or, &covered, &itself)?;
		left = cx.b.select(&gone, &nothing, &left)?;
	}
	let picks = cx.b.concat(&picks, 2)?;
	let picks = cx.b.binary(BinaryFn::Sub, &picks, &Value::scalar(DType::I64, front.into()))?;
	let valid = cx.b.binary(BinaryFn::GreaterOrEqual, &picks, &Value::scalar(DType::I64, 0))?;
	Ok((picks, valid))
}

/// All boxes in the order of their scores, and whether each is among the first `most` that stay, both
/// `[images, classes, boxes]`.
fn by_recurrence(cx: &mut Cx<'_, '_>, scene: &Scene, most: u32) -> Result<(Value, Value)> {
	let [images, classes, count] = scene.dims;
	let groups = images * classes;
	let all = vec![images, classes, count];
	let order = cx.b.top_k_last(&scene.scores.view(vec![groups, count])?, count, true)?;
	let order = order.view(all.clone())?;
	let at = places(cx, &order, [classes, count])?;
	let scores = taken(cx, &scene.scores, &at)?;
	let is_candidate = cx.b.binary_scalar(BinaryFn::Greater, &scores, f32::NEG_INFINITY)?;
	let is_candidate = cx.b.cast(&is_candidate, DType::F32)?.view(vec![groups, count])?;
	let at = places(cx, &order, [1, count])?;
	let boxes = scene.boxes.map(|value| taken(cx, value, &at)?.view(vec![groups, count]))?;
	let steps = cx.b.iota(count)?;
	let (row, column) = (steps.view(vec![count, 1])?, steps.view(vec![1, count])?);
	let is_before = cx.b.binary(BinaryFn::Less, &column, &row)?;
	let is_same = cx.b.binary(BinaryFn::Equal, &column, &row)?;
	let unit = cx.b.cast(&is_same, DType::F32)?;
	let none = Value::scalar_f32(0.0);
	let mut states = Vec::new();
	for group in 0..groups {
		let mut own =
			|dims: [u32; 2]| boxes.map(|value| cx.b.part(value, 0, group, 1)?.view(dims.to_vec()));
		let (rows, columns) = (own([count, 1])?, own([1, count])?);
		let covers = covered(cx, &rows, &columns, &scene.threshold)?;
		let covers = cx.b.binary(BinaryFn::And, &covers, &is_before)?;
		let covers = cx.b.cast(&covers, DType::F32)?;
		// What is decided stays, and each that stays takes away what it covers behind it.
		let recurrent = cx.b.binary(BinaryFn::Sub, &unit, &covers)?;
		let enters = cx.b.part(&is_candidate, 0, group, 1)?.view(vec![1, count])?;
		let enters = cx.b.binary(BinaryFn::Mul, &unit, &enters)?.view(vec![count, 1, count])?;
		let zeros = cx.b.expand(&none, vec![count])?;
		let operands = vec![enters, recurrent, zeros.clone(), zeros.view(vec![1, count])?];
		let kind = OpKind::Recur { cell: Cell::RnnRelu };
		let states_of = cx.b.push(kind, DType::F32, vec![count, 1, 1, count], operands)?;
		let states_of = states_of.view(vec![count, count])?;
		states.push(cx.b.part(&states_of, 0, count - 1, 1)?);
	}
	let stays = cx.b.concat(&states, 0)?;
	let stays = cx.b.cast(&stays, DType::I64)?;
	let counted = stays.view(vec![groups, count, 1])?;
	let rank = cumulative::inclusive(cx, counted, BinaryFn::Add, 0)?.view(vec![groups, count])?;
	let is_early =
		cx.b.binary(BinaryFn::LessOrEqual, &rank, &Value::scalar(DType::I64, most.into()))?;
	let stays = cx.b.binary(BinaryFn::Greater, &stays, &Value::scalar(DType::I64, 0))?;
	let valid = cx.b.binary(BinaryFn::And, &stays, &is_early)?;
	Ok((order, valid.view(all)?))
}

/// Rows of image, class and box, `[all, 3]`, of the boxes `[images, classes, count]`.
fn labelled(cx: &mut Cx<'_, '_>, scene: &Scene, boxes: &Value) -> Result<Value> {
	let [images, classes, _] = scene.dims;
	let all = boxes.dims.clone();
	let mut column = boxes.dims.clone();
	column.push(1);
	let image = cx.b.iota(images)?.view(vec![images, 1, 1])?;
	let class = cx.b.iota(classes)?.view(vec![1, classes, 1])?;
	let mut columns = Vec::new();
	for label in [image, class] {
		columns.push(cx.b.expand(&label, all.clone())?.view(column.clone())?);
	}
	columns.push(boxes.view(column)?);
	let rows = cx.b.concat(&columns, 3)?;
	rows.view(from_list(&[boxes.elements() as i64, 3])?)
}

/// The rows `[all, 3]` that the mask picks, then rows of -1, `[kept, 3]`.
fn filled(cx: &mut Cx<'_, '_>, rows: &Value, mask: &Value, kept: u32) -> Result<Value> {
	let all = rows.dims[0];
	let counted = cx.b.cast(mask, DType::I64)?.view(vec![1, all, 1])?;
	let place = cumulative::inclusive(cx, counted, BinaryFn::Add, 0)?.view(vec![1, all])?;
	let place = cx.b.binary(BinaryFn::Sub, &place, &Value::scalar(DType::I64, 1))?;
	// The smallest index lies outside of every axis, where a row goes nowhere.
	let nowhere = Value::scalar(DType::I64, i64::MIN);
	let place = cx.b.select(&mask.view(vec![1, all])?, &place, &nowhere)?;
	let columns = cx.b.transpose(rows, &[1, 0])?;
	let empty = cx.b.expand(&Value::scalar(DType::I64, -1), vec![3, kept])?;
	let operands = vec![empty, place, columns];
	let kind = OpKind::Scatter(ScatterFn::Replace);
	let y = cx.b.push(kind, DType::I64, vec![3, kept], operands)?;
	cx.b.transpose(&y, &[1, 0])
}
