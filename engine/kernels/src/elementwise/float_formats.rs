//! Rounding to narrower float formats: the referee's own integer function, compiled per format.

use crate::{
	cpu::{view, view_mut},
	elementwise::map::{map1, Map1},
	KernelConfig,
};
use assay_referee::{FloatFormat, Overflow};

macro_rules! float_formats {
	($($name:ident: $format:ident;)*) => {
		$(
			struct $name<const SATURATE: bool>;
			impl<const SATURATE: bool> Map1<u32, u32> for $name<SATURATE> {
				#[inline(always)]
				fn apply(x: u32) -> u32 {
					let overflow = if SATURATE { Overflow::Saturate } else { Overflow::Special };
					FloatFormat::$format.round(overflow, x)
				}
			}
		)*

		/// Rounds every element; false when the bytes are not whole `f32`.
		pub(crate) fn run(
			format: FloatFormat,
			overflow: Overflow,
			operands: &[&[u8]],
			out: &mut [u8],
			cfg: &KernelConfig,
		) -> bool {
			let &[x] = operands else { return false };
			let (Some(x), Some(out)) = (view::<u32>(x), view_mut::<u32>(out)) else { return false };
			match (format, overflow) {
				$(
					(FloatFormat::$format, Overflow::Special) => {
						map1::<u32, u32, $name<false>>(x, out, cfg);
					},
					(FloatFormat::$format, Overflow::Saturate) => {
						map1::<u32, u32, $name<true>>(x, out, cfg);
					},
				)*
			}
			true
		}
	};
}

float_formats! {
	F16: F16;
	Bf16: Bf16;
	F8E4M3Fn: F8E4M3Fn;
	F8E4M3FnUz: F8E4M3FnUz;
	F8E5M2: F8E5M2;
	F8E5M2FnUz: F8E5M2FnUz;
	F4E2M1: F4E2M1;
}
