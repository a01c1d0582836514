//! Correctly rounded sigmoid and softplus, which `core-math` lacks: binary64 first, and where its
//! error could change the rounding, double-double (about 95 bits).

/// `hi + lo`, `|lo|` at most half a unit in the last place of `hi`.
#[derive(Clone, Copy)]
struct Double {
	hi: f64,
	lo: f64,
}

const LN_2: Double = Double { hi: std::f64::consts::LN_2, lo: 2.319_046_813_846_299_6e-17 };

fn two_sum(a: f64, b: f64) -> Double {
	let hi = a + b;
	let part = hi - a;
	Double { hi, lo: (a - (hi - part)) + (b - part) }
}

fn two_product(a: f64, b: f64) -> Double {
	let split = |x: f64| {
		let big = x * 134_217_729.0;
		let high = big - (big - x);
		(high, x - high)
	};
	let hi = a * b;
	let ((ah, al), (bh, bl)) = (split(a), split(b));
	Double { hi, lo: ((ah * bh - hi) + ah * bl + al * bh) + al * bl }
}

impl Double {
	fn new(x: f64) -> Self {
		Self { hi: x, lo: 0.0 }
	}
	fn add(self, other: Self) -> Self {
		let (high, low) = (two_sum(self.hi, other.hi), two_sum(self.lo, other.lo));
		let first = two_sum(high.hi, high.lo + low.hi);
		two_sum(first.hi, first.lo + low.lo)
	}
	fn neg(self) -> Self {
		Self { hi: -self.hi, lo: -self.lo }
	}
	fn mul(self, other: Self) -> Self {
		let p = two_product(self.hi, other.hi);
		two_sum(p.hi, p.lo + (self.hi * other.lo + self.lo * other.hi))
	}
	fn div(self, other: Self) -> Self {
		let mut quotient = Self::new(self.hi / other.hi);
		for _ in 0..2 {
			let rest = self.add(quotient.mul(other).neg());
			quotient = quotient.add(Self::new(rest.hi / other.hi));
		}
		quotient
	}
	fn scale(self, factor: f64) -> Self {
		Self { hi: self.hi * factor, lo: self.lo * factor }
	}
	/// `e^self` for `|self| <= 200`.
	fn exp(self) -> Self {
		let k = (self.hi / LN_2.hi).round();
		// |r| <= ln 2 / 512, a Taylor series, and eight squarings.
		let r = self.add(LN_2.mul(Self::new(-k))).scale(1.0 / 256.0);
		let mut sum = Self::new(1.0);
		for n in (1..=14).rev() {
			sum = Self::new(1.0).add(sum.mul(r).div(Self::new(f64::from(n))));
		}
		for _ in 0..8 {
			sum = sum.mul(sum);
		}
		sum.scale(2f64.powi(k as i32))
	}
	/// One rounding to binary32: `hi` is made odd first where `lo` is not zero.
	fn round(self) -> f32 {
		let bits = self.hi.to_bits();
		if self.lo == 0.0 || bits & 1 == 1 {
			return self.hi as f32;
		}
		let away = (self.lo > 0.0) == (self.hi > 0.0);
		f64::from_bits(if away { bits + 1 } else { bits - 1 }) as f32
	}
}

/// `y` to binary32, or `exact` when an error of 2^-47 in `y` could change the result.
fn round_or(y: f64, exact: impl FnOnce() -> Double) -> f32 {
	let (low, high) = (y * (1.0 - 2f64.powi(-47)), y * (1.0 + 2f64.powi(-47)));
	if (low as f32).to_bits() == (high as f32).to_bits() {
		y as f32
	} else {
		exact().round()
	}
}

/// `1 / (1 + e^-x)`.
pub(crate) fn sigmoid(x: f32) -> f32 {
	let wide = f64::from(x);
	if x.is_nan() || x.abs() > 110.0 {
		return (1.0 / (1.0 + core_math::exp(-wide))) as f32;
	}
	round_or(1.0 / (1.0 + core_math::exp(-wide)), || {
		let one = Double::new(1.0);
		one.div(one.add(Double::new(-wide).exp()))
	})
}

/// `ln(1 + e^x)`.
pub(crate) fn softplus(x: f32) -> f32 {
	let wide = f64::from(x);
	let y = core_math::log1p(core_math::exp(-wide.abs())) + wide.max(0.0);
	if x.is_nan() || x.abs() > 110.0 {
		return if x.is_nan() { x } else { y as f32 };
	}
	round_or(y, || {
		let u = Double::new(-wide.abs()).exp();
		let log = if u.hi < 2f64.powi(-20) {
			// u - u^2/2 + u^3/3 - ...
			let mut sum = Double::new(0.0);
			for n in (1..=6).rev() {
				let term = Double::new(1.0).div(Double::new(f64::from(n)));
				sum = term.add(sum.mul(u).neg());
			}
			sum.mul(u)
		} else {
			// One Newton step from binary64.
			let near = Double::new(core_math::log1p(u.hi));
			let ratio = Double::new(1.0).add(u).mul(near.neg().exp());
			near.add(ratio.add(Double::new(-1.0)))
		};
		Double::new(wide.max(0.0)).add(log)
	})
}
