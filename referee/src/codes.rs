//! Enums that the program format writes as a byte.

/// An enum with a code for each variant, in the order of the codes.
macro_rules! codes {
	($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $code:literal,)* }) => {
		$(#[$meta])*
		#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
		#[repr(u8)]
		pub enum $name { $($(#[$vmeta])* $variant = $code,)* }

		impl $name {
			/// Every variant, in the order of the codes.
			pub const ALL: &'static [$name] = &[$($name::$variant,)*];

			/// The program format's code of this variant.
			pub const fn code(self) -> u8 {
				self as u8
			}

			/// The variant with the given code, if there is one.
			pub const fn from_code(code: u8) -> Option<$name> {
				match code {
					$($code => Some($name::$variant),)*
					_ => None,
				}
			}
		}
	};
}

pub(crate) use codes;
