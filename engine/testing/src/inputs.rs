//! An input for any program, for the examples that measure.

use assay_referee::{DType, Program};

/// Bytes of numbers that every model accepts: floats from 0 to 1, small integers.
pub fn input(program: &Program) -> Vec<u8> {
	let layout = program.header.input_layout();
	let mut bytes = vec![0; layout.total_len as usize];
	for (spec, &offset) in program.header.inputs.iter().zip(&layout.offsets) {
		let part = &mut bytes[offset as usize..(offset + spec.bytes()) as usize];
		for (i, place) in part.chunks_exact_mut(spec.dtype.size() as usize).enumerate() {
			match spec.dtype {
				DType::F32 => {
					let x = (i * 7919 % 2003) as f32 / 2003.0;
					place.copy_from_slice(&x.to_le_bytes());
				},
				DType::I32 => place[0] = (i * 37 % 256) as u8,
				_ => place[0] = (i * 37 % 2) as u8,
			}
		}
	}
	bytes
}
