//! Boxes: those that cover one another, and regions of any size.

use assay_onnx::{CompileError, ErrorKind};
use assay_testing::onnx::net::{assert_close, f32s, i64s_of, noise, Net, A};

/// `NonMaxSuppression` of boxes `[1, count, 4]` in `classes`, at most `most` of each.
fn suppression(count: i64, classes: i64, most: i64, threshold: f32) -> Net {
	of_images(1, count, classes, most, threshold)
}

fn of_images(images: i64, count: i64, classes: i64, most: i64, threshold: f32) -> Net {
	let net = Net::new().floats("b", &[images, count, 4]).floats("s", &[images, classes, count]);
	let net =
		net.list("most", &[most]).weight("part", &[1], &[threshold]).weight("least", &[1], &[0.5]);
	net.node("NonMaxSuppression", &["b", "s", "most", "part", "least"], &["y"]).output("y")
}

/// What the specification says, one class after another.
fn expected(boxes: &[f32], scores: &[f32], count: usize, most: usize, threshold: f32) -> Vec<i64> {
	let edges = |i: usize| {
		let b = &boxes[4 * i..4 * i + 4];
		[b[0].min(b[2]), b[1].min(b[3]), b[0].max(b[2]), b[1].max(b[3])]
	};
	let area = |b: [f32; 4]| (b[2] - b[0]) * (b[3] - b[1]);
	let covers = |i: usize, j: usize| {
		let (a, b) = (edges(i), edges(j));
		let height = (a[2].min(b[2]) - a[0].max(b[0])).max(0.0);
		let width = (a[3].min(b[3]) - a[1].max(b[1])).max(0.0);
		let shared = height * width;
		shared > 0.0 && shared / (area(a) + area(b) - shared) > threshold
	};
	let (mut rows, classes) = (Vec::new(), scores.len() / count);
	for class in 0..classes {
		let own = &scores[class * count..(class + 1) * count];
		let mut order: Vec<usize> = (0..count).filter(|&i| own[i] > 0.5).collect();
		order.sort_by(|&i, &j| own[j].total_cmp(&own[i]).then(i.cmp(&j)));
		let mut kept: Vec<usize> = Vec::new();
		for i in order {
			if kept.len() < most && !kept.iter().any(|&j| covers(i, j)) {
				kept.push(i);
			}
		}
		rows.extend(kept.into_iter().flat_map(|i| [0, class as i64, i as i64]));
	}
	rows.resize(classes * most.min(count) * 3, -1);
	rows
}

/// Few boxes are picked one after another, many by a recurrence; the rows that are left are -1.
#[test]
fn boxes_that_cover_one_another() {
	for (count, classes, most) in [(20, 2, 4), (20, 2, 64), (130, 1, 120), (105, 2, 101), (1, 1, 1)]
	{
		for seed in 0..3 {
			let boxes = noise(count * 4, seed);
			// Of few values, so that some are equal.
			let scores: Vec<f32> = noise(count * classes, seed + 9)
				.iter()
				.map(|x| (x.abs() * 16.0).floor() / 16.0)
				.collect();
			let net = suppression(count as i64, classes as i64, most as i64, 0.3);
			let found = net.run(&[f32s(&boxes), f32s(&scores)]);
			let rows = classes * most.min(count);
			assert_eq!(found[0].shape, [rows as u32, 3]);
			assert_eq!(i64s_of(&found[0]), expected(&boxes, &scores, count, most, 0.3));
		}
	}
}

fn refused(error: CompileError, kind: ErrorKind, words: &[&str]) {
	assert_eq!(error.kind, kind, "{error}");
	let text = error.to_string();
	words.iter().for_each(|word| assert!(text.contains(word), "{word}: {text}"));
}

/// As many as are picked one after another fit into a program, of however many boxes.
#[test]
fn as_many_boxes_as_there_is_room_for() {
	for (count, classes, most) in
		[(16_383, 2, 100), (17_000, 2, 64), (300, 90, 100), (2048, 8, 2000)]
	{
		let compiled = suppression(count, classes, most, 0.3).compile();
		assert!(compiled.program.ops.len() <= 1024);
	}
	for (count, most) in [(16_000, 90), (17_000, 60), (300, 200)] {
		let compiled = of_images(3, count, 4, most, 0.3).compile();
		assert!(compiled.program.ops.len() <= 1024);
	}
	let (count, most) = (16_500, 3);
	let (boxes, scores) = (noise(count * 4, 3), noise(count, 4));
	let found = suppression(count as i64, 1, most as i64, 0.3).run(&[f32s(&boxes), f32s(&scores)]);
	assert_eq!(i64s_of(&found[0]), expected(&boxes, &scores, count, most, 0.3));
}

/// What takes more ops, or more of one element, than there are.
#[test]
fn too_many_boxes() {
	let error = suppression(4000, 1, 101, 0.3).error();
	refused(
		error,
		ErrorKind::TooLarge,
		&["node `y` (NonMaxSuppression)", "2048", "max_output_boxes"],
	);
	let error = suppression(200, 33, 120, 0.3).error();
	refused(error, ErrorKind::TooLarge, &["33 classes"]);
	let error = suppression(100, 1000, 50, 0.3).error();
	refused(error, ErrorKind::TooLarge, &["50000 boxes", "16384"]);
	for threshold in [-0.1, 1.1, f32::NEG_INFINITY] {
		let net = Net::new().floats("b", &[1, 3, 4]).floats("s", &[1, 1, 3]).list("most", &[2]);
		let net = net.weight("part", &[1], &[threshold]);
		let net = net.node("NonMaxSuppression", &["b", "s", "most", "part"], &["y"]).output("y");
		refused(net.error(), ErrorKind::Invalid, &["iou_threshold"]);
	}
	// What comes of the boxes inside of the model depends on how many there are.
	let net = suppression(6, 1, 3, 0.3).list("2", &[2]);
	let net = net.node_with("Gather", &["y", "2"], &["z"], vec![("axis", A::Int(1))]).output("z");
	refused(net.error(), ErrorKind::DynamicShape, &["output `z`", "its size depends"]);
	assert_eq!(suppression(6, 1, 0, 0.3).error().kind, ErrorKind::Unsupported, "no box at all");
}

/// However far a region reaches beyond the image, each of its samples on the image counts.
#[test]
fn regions_with_as_many_samples_as_they_need() {
	let (height, width, rows, columns) = (5usize, 6usize, 2usize, 3usize);
	let image = noise(height * width, 1);
	let regions = [
		[0.5, 0.25, 4.0, 3.5],
		[-3.0, -2.0, 40.0, 60.0],
		[2.0, 2.0, 2.0, 2.0],
		[4.0, 4.0, 1.0, 1.0],
		[-1e6, -1e5, 1e6, 1e6],
		[5.5, 4.5, 9.0, 9.0],
	];
	let net =
		Net::new().floats("x", &[1, 1, 5, 6]).floats("r", &[6, 4]).list("i", &[0; 6]).opset(16);
	let attributes = vec![
		("output_height", A::Int(2)),
		("output_width", A::Int(3)),
		("sampling_ratio", A::Int(0)),
	];
	let net = net.node_with("RoiAlign", &["x", "r", "i"], &["y"], attributes).output("y");
	let found = net.run_f32(&[&image, &regions.concat()]);
	let pixel = |y: f32, x: f32| {
		if y < -1.0 || y > height as f32 || x < -1.0 || x > width as f32 {
			return 0.0;
		}
		let (y, x) = (y.clamp(0.0, height as f32 - 1.0), x.clamp(0.0, width as f32 - 1.0));
		let (top, left) = (y as usize, x as usize);
		let (bottom, right) = ((top + 1).min(height - 1), (left + 1).min(width - 1));
		let (dy, dx) = (y - top as f32, x - left as f32);
		let at = |y: usize, x: usize| image[y * width + x];
		let upper = at(top, left) * (1.0 - dx) + at(top, right) * dx;
		upper * (1.0 - dy) + (at(bottom, left) * (1.0 - dx) + at(bottom, right) * dx) * dy
	};
	for (region, found) in regions.iter().zip(found.chunks(rows * columns)) {
		// The one of a million rows would take a while here.
		if region[2] > 1e5 {
			assert!(found.iter().all(|y| y.is_finite()));
			continue;
		}
		let [x1, y1, x2, y2] = region.map(|edge: f32| edge - 0.5);
		let bin = ((y2 - y1) / rows as f32, (x2 - x1) / columns as f32);
		let count = (bin.0.ceil().max(0.0) as usize, bin.1.ceil().max(0.0) as usize);
		let mut expected = Vec::new();
		for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)))
		{
			let mut sum = 0.0;
			for (i, j) in (0..count.0).flat_map(|i| (0..count.1).map(move |j| (i, j))) {
				let y = y1 + row as f32 * bin.0 + (i as f32 + 0.5) * bin.0 / count.0 as f32;
				let x = x1 + column as f32 * bin.1 + (j as f32 + 0.5) * bin.1 / count.1 as f32;
				sum += pixel(y, x);
			}
			expected.push(sum / (count.0 * count.1).max(1) as f32);
		}
		assert_close(found, &expected, 1e-3);
	}
}
