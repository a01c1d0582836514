//! Convolutions, by the windows' coordinates.

use super::*;

/// The sum over all channels, rows and columns of a window, in blocks of 256.
pub(super) fn oracle(t: &Tensors<'_>, conv: &Conv, at: &[u64]) -> f32 {
	let &[first, second, third] = at else { unreachable!() };
	let m = u64::from(t.op.operands[0].shape.dims()[1]);
	let [batch, row, place] = match conv.output {
		ImageLayout::ChannelsFirst => [first, second, third],
		ImageLayout::ChannelsLast => {
			[first * u64::from(conv.groups) + third / m, third % m, second]
		},
	};
	let (filters, image) = (t.op.operands[0].shape.dims(), t.op.operands[1].shape.dims());
	let last = conv.layout == ImageLayout::ChannelsLast;
	let channels = u64::from(image[if last { 3 } else { 1 }]);
	let size = if last { [image[1], image[2]] } else { [image[2], image[3]] };
	let group = channels / u64::from(conv.groups);
	let window = coordinates(&conv.out, place);
	let terms = [group as u32, conv.kernel[0], conv.kernel[1]];
	let products = (0..u64::from(filters[2])).map(|k| {
		let filter = f(t.at(0, &[batch % u64::from(filters[0]), row, k]));
		let k = coordinates(&terms, k);
		let [y, x] = [0, 1].map(|d| {
			let at = window[d] * u64::from(conv.stride[d]) + k[d + 1] * u64::from(conv.dilation[d]);
			let at = at as i64 - i64::from(conv.pad[d]);
			(0..i64::from(size[d])).contains(&at).then_some(at as u64)
		});
		let image = batch / u64::from(conv.groups);
		let channel = batch % u64::from(conv.groups) * group + k[0];
		let pixel = match (y, x) {
			(Some(y), Some(x)) if last => f(t.at(1, &[image, y, x, channel])),
			(Some(y), Some(x)) => f(t.at(1, &[image, channel, y, x])),
			_ => 0.0,
		};
		(filter, pixel)
	});
	let products: Vec<(f32, f32)> = products.collect();
	let block = |block: &[(f32, f32)]| block.iter().fold(0.0, |s, (a, b)| f32::mul_add(*a, *b, s));
	let sum = products.chunks(256).map(block).reduce(|a, b| a + b).unwrap();
	let along = match conv.bias {
		Bias::None => return sum,
		Bias::Row => row,
		Bias::Column => place,
	};
	let addend = match *t.op.operands[2].shape.dims() {
		[batches, _] => t.at(2, &[batch % u64::from(batches), along]),
		_ => t.at(2, &[along]),
	};
	sum + f(addend)
}

fn conv(channels: u32, side: u32, layout: ImageLayout) -> OpRecord {
	let image = match layout {
		ImageLayout::ChannelsFirst => [1, channels, side, side],
		ImageLayout::ChannelsLast => [1, side, side, channels],
	};
	let pair = |x| [x, x];
	let conv = Conv {
		kernel: pair(3),
		stride: pair(1),
		dilation: pair(1),
		pad: pair(1),
		out: pair(side),
		groups: 1,
		layout,
		output: ImageLayout::ChannelsFirst,
		bias: Bias::None,
	};
	let operand = |dims: &[u32]| Operand::weight(0, DType::F32, shape(dims));
	let operands = [operand(&[1, 4, channels * 9]), operand(&image)];
	OpRecord::new(OpKind::Conv(conv), DType::F32, shape(&[1, 4, side * side]), operands)
}

/// Many channels of a large image fit one layout, those of a small one both.
#[test]
fn layouts_and_limits() {
	for (channels, side, first, last) in [
		(20, 100, true, true),
		(96, 100, false, true),
		(512, 7, true, true),
		(1400, 9, false, true),
		(1500, 9, false, false),
	] {
		for (layout, fits) in
			[(ImageLayout::ChannelsFirst, first), (ImageLayout::ChannelsLast, last)]
		{
			let op = conv(channels, side, layout);
			assert_eq!(op.validate(), Ok(()));
			assert_eq!(leaf_bound(&op, &Place::alone(&op)).is_within_limits(), fits, "{op:?}");
		}
	}
	let mut wrong = conv(20, 100, ImageLayout::ChannelsLast);
	wrong.operands[1].shape = shape(&[1, 20, 100, 100]);
	assert_eq!(wrong.validate(), Err(RecordError::Dims));
	// The output's layout tells which of its dimensions are the channels.
	let mut last = conv(20, 10, ImageLayout::ChannelsFirst);
	let OpKind::Conv(first) = last.kind else { unreachable!() };
	last.kind = OpKind::Conv(Conv { output: ImageLayout::ChannelsLast, ..first });
	assert_eq!(last.validate(), Err(RecordError::Dims));
	last.shape = shape(&[1, 100, 4]);
	assert_eq!(last.validate(), Ok(()));
}
