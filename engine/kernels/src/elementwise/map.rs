//! Drivers of elementwise kernels: threads, instruction sets and broadcasting.

use crate::{
	cpu::{dispatch, Kernel, Pod},
	threads,
	walk::Walk,
	KernelConfig,
};

/// A function of one element; `apply` must be `#[inline(always)]`.
pub(crate) trait Map1<A, O>: Sync {
	/// Rough cost in nanoseconds.
	const COST: usize = 1;
	fn apply(a: A) -> O;
}

/// A function of two elements; `apply` must be `#[inline(always)]`.
pub(crate) trait Map2<A, O>: Sync {
	/// Rough cost in nanoseconds.
	const COST: usize = 1;
	fn apply(a: A, b: A) -> O;
}

/// `out[i] = F(x[i])`.
pub(crate) fn map1<A: Pod, O: Pod, F: Map1<A, O>>(x: &[A], out: &mut [O], cfg: &KernelConfig) {
	threads::for_each_part(cfg.threads, out, 64, F::COST, |start, out| {
		let x = &x[start..start + out.len()];
		dispatch(cfg.isa, Each1::<A, O, F> { x, out, function: core::marker::PhantomData });
	});
}

struct Each1<'a, A, O, F> {
	x: &'a [A],
	out: &'a mut [O],
	function: core::marker::PhantomData<F>,
}

impl<A: Pod, O: Pod, F: Map1<A, O>> Kernel for Each1<'_, A, O, F> {
	type Output = ();

	#[inline(always)]
	fn run(self) {
		for (out, &x) in self.out.iter_mut().zip(self.x) {
			*out = F::apply(x);
		}
	}
}

/// `out[i] = F(a[i], b[i])` with broadcasting.
pub(crate) fn map2<A: Pod, O: Pod, F: Map2<A, O>>(
	walk: &Walk<2>,
	a: &[A],
	b: &[A],
	out: &mut [O],
	cfg: &KernelConfig,
) {
	threads::for_each_part(cfg.threads, out, 64, F::COST, |start, out| {
		let function = core::marker::PhantomData;
		dispatch(cfg.isa, Each2::<A, O, F> { walk, start, a, b, out, function });
	});
}

struct Each2<'a, A, O, F> {
	walk: &'a Walk<2>,
	start: usize,
	a: &'a [A],
	b: &'a [A],
	out: &'a mut [O],
	function: core::marker::PhantomData<F>,
}

impl<A: Pod, O: Pod, F: Map2<A, O>> Kernel for Each2<'_, A, O, F> {
	type Output = ();

	#[inline(always)]
	fn run(self) {
		let Each2 { walk, start, a, b, out, .. } = self;
		let mut cursor = walk.cursor(start, out.len());
		while let Some((at, run, [pa, pb])) = cursor.next() {
			let out = &mut out[at..at + run];
			let (a, b) = (&a[pa as usize..], &b[pb as usize..]);
			match walk.step {
				[0, 0] => out.fill(F::apply(a[0], b[0])),
				[0, _] => {
					let a = a[0];
					for (out, &b) in out.iter_mut().zip(b) {
						*out = F::apply(a, b);
					}
				},
				[_, 0] => {
					let b = b[0];
					for (out, &a) in out.iter_mut().zip(a) {
						*out = F::apply(a, b);
					}
				},
				_ => {
					for ((out, &a), &b) in out.iter_mut().zip(&a[..run]).zip(&b[..run]) {
						*out = F::apply(a, b);
					}
				},
			}
		}
	}
}

/// `out[i] = if condition[i] { a[i] } else { b[i] }` with broadcasting.
pub(crate) fn select<T: Pod>(
	walk: &Walk<3>,
	condition: &[u8],
	a: &[T],
	b: &[T],
	out: &mut [T],
	cfg: &KernelConfig,
) {
	threads::for_each_part(cfg.threads, out, 64, 1, |start, out| {
		dispatch(cfg.isa, EachSelected { walk, start, condition, a, b, out });
	});
}

struct EachSelected<'a, T> {
	walk: &'a Walk<3>,
	start: usize,
	condition: &'a [u8],
	a: &'a [T],
	b: &'a [T],
	out: &'a mut [T],
}

impl<T: Pod> Kernel for EachSelected<'_, T> {
	type Output = ();

	#[inline(always)]
	fn run(self) {
		let EachSelected { walk, start, condition, a, b, out } = self;
		let pick = |c: u8, a: T, b: T| if c != 0 { a } else { b };
		let mut cursor = walk.cursor(start, out.len());
		while let Some((at, run, [pc, pa, pb])) = cursor.next() {
			let out = &mut out[at..at + run];
			let (c, a, b) = (&condition[pc as usize..], &a[pa as usize..], &b[pb as usize..]);
			match walk.step {
				[1, 1, 1] => {
					let (c, a, b) = (&c[..run], &a[..run], &b[..run]);
					for i in 0..run {
						out[i] = pick(c[i], a[i], b[i]);
					}
				},
				[1, 1, 0] => {
					let (c, a, b) = (&c[..run], &a[..run], b[0]);
					for i in 0..run {
						out[i] = pick(c[i], a[i], b);
					}
				},
				[1, 0, 1] => {
					let (c, a, b) = (&c[..run], a[0], &b[..run]);
					for i in 0..run {
						out[i] = pick(c[i], a, b[i]);
					}
				},
				[sc, sa, sb] => {
					let (sc, sa, sb) = (sc as usize, sa as usize, sb as usize);
					for i in 0..run {
						out[i] = pick(c[i * sc], a[i * sa], b[i * sb]);
					}
				},
			}
		}
	}
}
