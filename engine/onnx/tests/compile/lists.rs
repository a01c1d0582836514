//! What is no tensor: sequences, optional values, and what has a row for each place that a mask picks.

use assay_onnx::{CompileError, ErrorKind};
use assay_testing::onnx::net::{f32s, floats_of, i64s, i64s_of, tensor, Net, A, D};
use rten_onnx::onnx::DataType;

/// `x`, `m` and the places where `m` is below 0 as `at`, one below the other.
fn places(dims: &[i64], mask: &[i64]) -> Net {
	let net = Net::new().floats("x", dims).floats("m", mask).weight("zero", &[], &[0.0]);
	let net = net.node("Less", &["m", "zero"], &["mask"]).node("NonZero", &["mask"], &["found"]);
	net.node_with("Transpose", &["found"], &["at"], vec![("perm", A::Ints(vec![1, 0]))])
}

/// `new`, a number expanded to as many rows of the shape of `x` behind its first axes as there are places.
fn updates(net: Net, axes: i64) -> Net {
	let net = net.weight("seven", &[1], &[7.0]).list("0", &[0]).list("1", &[1]).list("end", &[9]);
	let net = net.node("Shape", &["at"], &["pair"]).node("Slice", &["pair", "0", "1"], &["count"]);
	let net = net.list("axes", &[axes]).node("Shape", &["x"], &["whole"]);
	let net = net.node("Slice", &["whole", "axes", "end"], &["rest"]);
	net.node_with("Concat", &["count", "rest"], &["size"], vec![("axis", A::Int(0))]).node(
		"Expand",
		&["seven", "size"],
		&["new"],
	)
}

fn refused(error: CompileError, kind: ErrorKind, words: &[&str]) {
	assert_eq!(error.kind, kind, "{error}");
	let text = error.to_string();
	words.iter().for_each(|word| assert!(text.contains(word), "{word}: {text}"));
}

#[test]
fn values_put_where_a_mask_is() {
	let x = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
	for (reduction, expected) in [
		("none", [7.0, 7.0, 3.0, 4.0, 7.0, 7.0]),
		("add", [8.0, 9.0, 3.0, 4.0, 12.0, 13.0]),
		("mul", [7.0, 14.0, 3.0, 4.0, 35.0, 42.0]),
		("min", [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
	] {
		let net = updates(places(&[3, 2], &[3]), 1).opset(18);
		let attributes = vec![("reduction", A::Word(reduction))];
		let net = net.node_with("ScatterND", &["x", "at", "new"], &["y"], attributes).output("y");
		assert_eq!(net.run_f32(&[&x, &[-1.0, 0.0, -2.0]]), expected, "{reduction}");
		assert_eq!(net.run_f32(&[&x, &[1.0, 0.0, 2.0]]), x, "no place at all");
		assert!(net.compile().program.ops.len() <= 3, "a selection");
	}
}

/// As a spline does: what is computed of the places is put back.
#[test]
fn values_taken_from_a_mask_and_put_back() {
	let net = places(&[2, 2], &[2, 2]).node("GatherND", &["x", "at"], &["a"]);
	let net = net.weight("three", &[1], &[3.0]).node("Mul", &["a", "three"], &["b"]);
	let net = net.node("Add", &["b", "a"], &["c"]).node("Neg", &["c"], &["new"]);
	let net = net.node("ScatterND", &["x", "at", "new"], &["y"]).output("y");
	let found = net.run_f32(&[&[1.0, 2.0, 3.0, 4.0], &[-1.0, 1.0, 1.0, -1.0]]);
	assert_eq!(found, [-4.0, 2.0, 3.0, -16.0]);
}

/// A mask that the file computes once for every use is the same mask.
#[test]
fn one_mask_computed_twice() {
	let net = places(&[4], &[4]).node("Less", &["m", "zero"], &["mask2"]);
	let net = net.node("NonZero", &["mask2"], &["found2"]).node("Transpose", &["found2"], &["at2"]);
	let net = net.node("GatherND", &["x", "at2"], &["a"]).node("Neg", &["a"], &["new"]);
	let net = net.node("ScatterND", &["x", "at", "new"], &["y"]).output("y");
	let found = net.run_f32(&[&[1.0, 2.0, 3.0, 4.0], &[-1.0, 1.0, -1.0, 1.0]]);
	assert_eq!(found, [-1.0, 2.0, -3.0, 4.0]);
	// That of other places is another one, whose places may be as many.
	let net = places(&[4], &[4]).node("Less", &["zero", "m"], &["mask2"]);
	let net = net.node("NonZero", &["mask2"], &["found2"]).node("Transpose", &["found2"], &["at2"]);
	let net = net.node("GatherND", &["x", "at2"], &["new"]);
	let net = net.node("ScatterND", &["x", "at", "new"], &["y"]).output("y");
	refused(net.error(), ErrorKind::DynamicShape, &["node `y` (ScatterND)", "size of `at`"]);
}

/// How many places there are is a number like any other.
#[test]
fn places_counted() {
	let net = places(&[1], &[5]).node("Shape", &["at"], &["pair"]).list("first", &[0]);
	let net = net.node("Gather", &["pair", "first"], &["count"]);
	let net = net.node_with("Cast", &["count"], &["share"], vec![("to", A::Int(1))]);
	let net = net.node("Mul", &["share", "x"], &["y"]).output("y").output("pair");
	// In two dimensions too, and beside a number of the input.
	let net = net.list("square", &[1, 1]).node("Reshape", &["count", "square"], &["table"]);
	let net = net.input("n", DataType::INT64, &[D::N(1)]);
	let net = net.node_with("Concat", &["count", "n"], &["two"], axis(0));
	let net = net.output("table").output("two");
	let inputs = [f32s(&[0.5]), f32s(&[-1.0, 1.0, -1.0, -1.0, 0.0]), i64s(&[8])];
	let found = net.run(&inputs);
	assert_eq!((floats_of(&found[0]), i64s_of(&found[1])), (vec![1.5], vec![3, 1]));
	assert_eq!((&found[2].shape[..], i64s_of(&found[2])), (&[1, 1][..], vec![3]));
	assert_eq!(i64s_of(&found[3]), [3, 8]);
}

#[test]
fn rows_of_a_condition() {
	let net = Net::new().floats("x", &[3, 2]).input("c", DataType::BOOL, &[D::N(3)]);
	let net = net.node_with("Compress", &["x", "c"], &["a"], vec![("axis", A::Int(0))]);
	refused(net.output("a").error(), ErrorKind::DynamicShape, &["output `a`", "its size depends"]);
	// What a condition of constants leaves is a tensor.
	let condition = tensor("c", DataType::BOOL, &[3], vec![1, 0, 1]);
	let net = Net::new().floats("x", &[3, 2]).initializer(condition);
	let net = net.node_with("Compress", &["x", "c"], &["y"], vec![("axis", A::Int(0))]);
	let found = net.output("y").run_f32(&[&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]]);
	assert_eq!(found, [1.0, 2.0, 5.0, 6.0]);
}

/// Axes of a row are not those of the places.
#[test]
fn rows_that_are_computed_by_themselves() {
	let net =
		places(&[3, 2], &[3]).node("GatherND", &["x", "at"], &["a"]).opset(18).list("1", &[1]);
	let net = net.node_with("Softmax", &["a"], &["soft"], axis(-1));
	let net = net.node_with("ReduceSum", &["a", "1"], &["sum"], vec![("keepdims", A::Int(1))]);
	let net = net.node_with("Concat", &["soft", "sum"], &["three"], axis(1));
	let net = net.weight("w", &[3, 2], &[1.0, 0.0, 0.0, 1.0, 10.0, 0.0]);
	let net = net.node("MatMul", &["three", "w"], &["two"]).node("CumSum", &["two", "1"], &["new"]);
	let net = net.node("ScatterND", &["x", "at", "new"], &["y"]).output("y");
	let found = net.run_f32(&[&[1.0, 1.0, 2.0, 2.0, 3.0, 3.0], &[1.0, -1.0, -1.0]]);
	assert_eq!(found, [1.0, 1.0, 40.5, 41.0, 60.5, 61.0]);
	for (op, attributes) in [
		("Softmax", axis(0)),
		("Softmax", axis(-2)),
		("ReduceMean", vec![]),
		("ReduceMax", vec![("axes", A::Ints(vec![0]))]),
	] {
		let net = places(&[3, 2], &[3]).node("GatherND", &["x", "at"], &["a"]);
		let net = net.node_with(op, &["a"], &["y"], attributes).output("y");
		refused(net.error(), ErrorKind::DynamicShape, &["node `y`", "`a`"]);
	}
	// Other dimensions of a row, or rows that run into one another.
	let reshaped = |list: &[i64]| {
		let net = places(&[3, 4], &[3]).node("GatherND", &["x", "at"], &["a"]).list("to", list);
		net.node("Reshape", &["a", "to"], &["b"])
	};
	let net = reshaped(&[-1, 2, 2]).list("back", &[0, 4]);
	let turn = vec![("perm", A::Ints(vec![0, 2, 1]))];
	let net =
		net.node_with("Transpose", &["b"], &["c"], turn).node("Reshape", &["c", "back"], &["d"]);
	let net = net.node("ScatterND", &["x", "at", "d"], &["y"]).output("y");
	let x: Vec<f32> = (0..12).map(|i| i as f32).collect();
	let found = net.run_f32(&[&x, &[1.0, -1.0, 1.0]]);
	assert_eq!(found, [0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 5.0, 7.0, 8.0, 9.0, 10.0, 11.0]);
	for list in [&[-1][..], &[-1, 2], &[2, -1], &[3, 4], &[-1, 8]] {
		refused(reshaped(list).output("b").error(), ErrorKind::DynamicShape, &["node `b`", "`a`"]);
	}
	let net = places(&[3, 2], &[3]).node("GatherND", &["x", "at"], &["a"]).list("0", &[0]);
	let net = net.node("CumSum", &["a", "0"], &["y"]).output("y");
	refused(net.error(), ErrorKind::DynamicShape, &["node `y` (CumSum)"]);
	let net = places(&[3, 2], &[3]).node("GatherND", &["x", "at"], &["a"]).list("1", &[1]);
	let net = net.node("Slice", &["a", "1", "1"], &["y"]).output("y");
	assert_eq!(net.error().kind, ErrorKind::DynamicShape, "without axes it begins with the first");
}

/// What would mix the rows of different places, or needs to know how many there are.
#[test]
fn what_places_are_not_good_for() {
	let sum = places(&[4], &[4]).node("GatherND", &["x", "at"], &["a"]);
	let sum = sum.node("ReduceSum", &["a"], &["y"]).output("y");
	refused(sum.error(), ErrorKind::DynamicShape, &["node `y` (ReduceSum)", "`a`"]);
	// The other operand has a row for each place too, whatever it is.
	let rows = places(&[4], &[4]).node("GatherND", &["x", "at"], &["a"]);
	let rows = rows.floats("r", &[2]).node("Add", &["a", "r"], &["y"]).output("y");
	refused(rows.error(), ErrorKind::DynamicShape, &["node `y` (Add)", "`a`"]);
	// Rows of one number beside rows of four are no rows of the same shape.
	let ranks = places(&[4, 4], &[4]).floats("z", &[4]).node("GatherND", &["x", "at"], &["a"]);
	let ranks = ranks.node("GatherND", &["z", "at"], &["b"]).node("Add", &["a", "b"], &["y"]);
	refused(ranks.output("y").error(), ErrorKind::DynamicShape, &["node `y` (Add)"]);
	let joined = places(&[4], &[4]).node("GatherND", &["x", "at"], &["a"]);
	let joined = joined.node_with("Concat", &["a", "a"], &["y"], vec![("axis", A::Int(0))]);
	refused(joined.output("y").error(), ErrorKind::DynamicShape, &["node `y` (Concat)"]);
	// One update where there may be several places.
	let one = places(&[4], &[4]).weight("one", &[1], &[1.0]);
	let one = one.node("ScatterND", &["x", "at", "one"], &["y"]).output("y");
	refused(one.error(), ErrorKind::DynamicShape, &["node `y` (ScatterND)", "`at`"]);
	// A mask that does not cover the axes that it is used for.
	let short = updates(places(&[5], &[4]), 1);
	let short = short.node("ScatterND", &["x", "at", "new"], &["y"]).output("y");
	refused(short.error(), ErrorKind::DynamicShape, &["node `y` (ScatterND)"]);
}

fn axis(axis: i64) -> Vec<(&'static str, A)> {
	vec![("axis", A::Int(axis))]
}

#[test]
fn sequences_taken_apart_and_put_together() {
	let net = Net::new().floats("x", &[2, 5]).list("size", &[2]).list("last", &[-1]);
	let scalar =
		|name: &str, at: i64| tensor(name, DataType::INT64, &[], at.to_le_bytes().to_vec());
	let net = net.initializer(scalar("two", 2)).initializer(scalar("first", 0));
	let net = net.node_with("SplitToSequence", &["x", "two"], &["parts"], axis(1));
	let net = net.node("SequenceAt", &["parts", "last"], &["end"]);
	let net = net.node("SequenceErase", &["parts", "first"], &["fewer"]);
	let net = net.node("SequenceInsert", &["fewer", "end", "first"], &["turned"]);
	let net = net.node("SequenceLength", &["turned"], &["count"]);
	let net = net.node_with("ConcatFromSequence", &["turned"], &["y"], axis(-1));
	let found =
		net.output("y").output("count").run(&[f32s(&[1., 2., 3., 4., 5., 6., 7., 8., 9., 10.])]);
	assert_eq!(found[0].shape, [2, 4]);
	assert_eq!(floats_of(&found[0]), [5.0, 3.0, 4.0, 5.0, 10.0, 8.0, 9.0, 10.0]);
	assert_eq!(i64s_of(&found[1]), [3]);
	// Of given sizes; single slices without their axis, which a new one joins.
	let net = Net::new().floats("x", &[3, 2]).list("sizes", &[1, 2]);
	let net = net.node("SplitToSequence", &["x", "sizes"], &["uneven"]).list("1", &[1]);
	let net = net.node("SequenceAt", &["uneven", "1"], &["y"]);
	let without = vec![("keepdims", A::Int(0))];
	let net = net.node_with("SplitToSequence", &["x"], &["rows"], without);
	let join = vec![("axis", A::Int(1)), ("new_axis", A::Int(1))];
	let net = net.node_with("ConcatFromSequence", &["rows"], &["z"], join);
	let found = net.output("y").output("z").run(&[f32s(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])]);
	assert_eq!(floats_of(&found[0]), [3.0, 4.0, 5.0, 6.0]);
	assert_eq!(floats_of(&found[1]), [1.0, 3.0, 5.0, 2.0, 4.0, 6.0]);
}

/// A list that grows in a loop, as scripts do it.
#[test]
fn a_sequence_is_the_state_of_a_loop() {
	let body = Net::new().input("i", DataType::INT64, &[]).input("c", DataType::BOOL, &[]);
	let body = body.floats("list", &[]).node_with("Cast", &["i"], &["f"], vec![("to", A::Int(1))]);
	let body = body.node("Mul", &["f", "x"], &["element"]);
	let body = body.node("SequenceInsert", &["list", "element"], &["longer"]);
	let body = body.node("Identity", &["c"], &["more"]).output("more").output("longer");
	let net = Net::new().floats("x", &[2]).list("trips", &[3]);
	let net = net.node("SequenceEmpty", &[], &["none"]);
	let net =
		net.node_with("Loop", &["trips", "", "none"], &["all"], vec![("body", A::Graph(body))]);
	let join = vec![("axis", A::Int(0)), ("new_axis", A::Int(1))];
	let net = net.node_with("ConcatFromSequence", &["all"], &["y"], join).output("y");
	assert_eq!(net.run_f32(&[&[1.0, 2.0]]), [0.0, 0.0, 1.0, 2.0, 2.0, 4.0]);
}

#[test]
fn a_body_for_every_element() {
	let body = Net::new().floats("a", &[]).floats("b", &[]).node("Sub", &["a", "b"], &["d"]);
	let body = body.node("Neg", &["d"], &["e"]).output("d").output("e");
	let net = Net::new().floats("x", &[3]).floats("z", &[1]).opset(17);
	let net = net.node("SplitToSequence", &["x"], &["parts"]);
	let attributes = vec![("body", A::Graph(body))];
	let net = net.node_with("SequenceMap", &["parts", "z"], &["less", "more"], attributes);
	let net = net.node_with("ConcatFromSequence", &["less"], &["y"], axis(0));
	let net = net.node_with("ConcatFromSequence", &["more"], &["w"], axis(0));
	let found = net.output("y").output("w").run(&[f32s(&[1.0, 2.0, 3.0]), f32s(&[5.0])]);
	assert_eq!(floats_of(&found[0]), [-4.0, -3.0, -2.0]);
	assert_eq!(floats_of(&found[1]), [4.0, 3.0, 2.0]);
}

/// Of sequences of one length a condition at run time picks element by element.
#[test]
fn a_condition_picks_a_sequence() {
	let pair = |first: &str, second: &str| {
		let net = Net::new().node("Neg", &["x"], &["n"]).node("Exp", &["n"], &["e"]);
		A::Graph(net.node("SequenceConstruct", &[first, second], &["s"]).output("s"))
	};
	let net = Net::new().floats("x", &[1]).input("c", DataType::BOOL, &[]).list("0", &[0]);
	let branches = vec![("then_branch", pair("x", "n")), ("else_branch", pair("n", "x"))];
	let net = net.node_with("If", &["c"], &["s"], branches);
	let net = net.node("SequenceAt", &["s", "0"], &["y"]).output("y");
	for (condition, expected) in [(1, 2.0), (0, -2.0)] {
		assert_eq!(floats_of(&net.run(&[f32s(&[2.0]), vec![condition]])[0]), [expected]);
	}
}

#[test]
fn sequences_that_are_wrong() {
	let split = || {
		let net =
			Net::new().floats("x", &[4]).list("at", &[4]).list("before", &[-5]).list("0", &[0]);
		net.node("SplitToSequence", &["x"], &["s"])
	};
	let invalid =
		|net: Net, words: &[&str]| refused(net.output("y").error(), ErrorKind::Invalid, words);
	for at in ["at", "before"] {
		invalid(split().node("SequenceAt", &["s", at], &["y"]), &["a sequence of 4"]);
	}
	let net = split().node("SequenceErase", &["s", "at"], &["t"]);
	invalid(net.node("SequenceAt", &["t", "0"], &["y"]), &["outside of a sequence of 4"]);
	invalid(split().node("Add", &["s", "x"], &["y"]), &["an input is a sequence"]);
	invalid(split().node("NonZero", &["s"], &["y"]), &["an input is a sequence"]);
	let boxes = Net::new().floats("b", &[1, 2, 4]).floats("z", &[1, 1, 2]).list("most", &[1]);
	let boxes = boxes.node("SplitToSequence", &["b"], &["part"]);
	let boxes = boxes.node("NonMaxSuppression", &["b", "z", "most", "part"], &["y"]);
	invalid(boxes, &["an input is a sequence"]);
	invalid(split().node("SequenceAt", &["x", "0"], &["y"]), &["input 0 is no sequence"]);
	invalid(split().node("SequenceConstruct", &["x", "0"], &["y"]), &["different types"]);
	invalid(split().node("SequenceInsert", &["s", "s"], &["y"]), &["input 1 is a sequence"]);
	let empty = Net::new().floats("x", &[1]).node("SequenceEmpty", &[], &["s"]);
	invalid(empty.node("SequenceErase", &["s"], &["y"]), &["empty"]);
	let sizes = Net::new().floats("x", &[4]).list("sizes", &[1, 2]).list("0", &[0]);
	let sizes = sizes.node("SplitToSequence", &["x", "sizes"], &["s"]);
	invalid(sizes.node("SequenceAt", &["s", "0"], &["y"]), &["do not add up"]);
	for size in [0, -1] {
		let net = Net::new().floats("x", &[4]).list("0", &[0]);
		let size = tensor("size", DataType::INT64, &[], i64::to_le_bytes(size).to_vec());
		let net = net.initializer(size).node("SplitToSequence", &["x", "size"], &["s"]);
		invalid(net.node("SequenceAt", &["s", "0"], &["y"]), &["a size is not above 0"]);
	}
	let whole = split().output("s").error();
	refused(whole, ErrorKind::Unsupported, &["output `s`", "a sequence", "ConcatFromSequence"]);
	let unknown = Net::new().floats("x", &[4]).input("p", DataType::INT64, &[]);
	let unknown = unknown.node("SplitToSequence", &["x"], &["s"]);
	let unknown = unknown.node("SequenceAt", &["s", "p"], &["y"]).output("y");
	refused(unknown.error(), ErrorKind::DynamicShape, &["a position", "--set"]);
}

#[test]
fn optional_values_are_there_or_not() {
	let net = Net::new().floats("x", &[1]).node("Optional", &["x"], &["o"]).opset(18);
	let net = net.node("OptionalHasElement", &["o"], &["has"]);
	let net = net.node("OptionalGetElement", &["o"], &["y"]).output("y").output("has");
	let found = net.run(&[f32s(&[3.0])]);
	assert_eq!((floats_of(&found[0]), &found[1].bytes[..]), (vec![3.0], &[1][..]));
	let net = Net::new().floats("x", &[1]).node("Optional", &[], &["o"]).opset(18);
	let has = net.node("OptionalHasElement", &["o"], &["has"]).output("has").output("x");
	assert_eq!(has.run(&[f32s(&[3.0])])[0].bytes, [0]);
	let net = Net::new().floats("x", &[1]).node("Optional", &[], &["o"]).opset(18);
	let error = net.node("OptionalGetElement", &["o"], &["y"]).output("y").error();
	refused(error, ErrorKind::Invalid, &["not there"]);
}
