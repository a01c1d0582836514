//! Inputs of the demonstration models.

use anyhow::{ensure, Context, Result};
use assay_client::{
	bundles::{self, Described},
	npz::{self, Tensor},
};
use assay_referee::DType;
use serde::Deserialize;
use std::path::Path;

/// Pixels of one image of the digits network.
const PIXELS: usize = 64;

/// The digits' held-out images.
#[derive(Clone, Debug)]
pub struct Digits {
	images: Vec<f32>,
	/// The true digit of each image.
	pub labels: Vec<usize>,
}

impl Digits {
	/// Reads the arrays `image` and `label` of an `.npz` file.
	pub fn load(path: &Path) -> Result<Digits> {
		let arrays = npz::read(path)?;
		let find = |name: &str| {
			let found = arrays.iter().find(|array| array.name == name);
			found.with_context(|| format!("{} has no array {name}", path.display()))
		};
		let images = find("image")?.to_f32().context("the images are not float32")?;
		let labels = integers(find("label")?)?;
		ensure!(images.len() == labels.len() * PIXELS, "the images and labels do not match");
		Ok(Digits { images, labels })
	}

	/// Images `start..start + count` as the network's input.
	pub fn batch(&self, start: usize, count: usize) -> Tensor {
		let values = &self.images[start * PIXELS..(start + count) * PIXELS];
		Tensor::f32("image", &[count as u32, 1, 8, 8], values)
	}

	/// How many of the answers for images from `start` on are right.
	pub fn score(&self, start: usize, answers: &[usize]) -> usize {
		answers.iter().zip(&self.labels[start..]).filter(|(a, b)| a == b).count()
	}
}

/// Inputs of the digits network that nobody has asked about: held-out images, each with one faint pixel
/// of its own, so that nothing can be answered from memory.
#[derive(Debug)]
pub struct FreshInputs {
	bundle: Described,
	digits: Digits,
	counter: u32,
}

impl FreshInputs {
	/// Of the images in the file `heldout`, packed for `bundle`.
	pub fn new(heldout: &Path, bundle: &Described) -> Result<FreshInputs> {
		Ok(FreshInputs { bundle: bundle.clone(), digits: Digits::load(heldout)?, counter: 0 })
	}

	/// The next one.
	pub fn take(&mut self) -> Result<Vec<u8>> {
		self.counter += 1;
		let start = self.counter as usize % self.digits.labels.len();
		let tensor = self.digits.batch(start, 1);
		let mut input = bundles::pack_tensors(&self.bundle.manifest, &[tensor])?;
		let faint = (self.counter as f32) * 1e-9;
		input[..4].copy_from_slice(&faint.to_le_bytes());
		Ok(input)
	}
}

fn integers(tensor: &Tensor) -> Result<Vec<usize>> {
	let size = tensor.dtype.size() as usize;
	ensure!(!matches!(tensor.dtype, DType::F32), "the labels are not whole numbers");
	let number = |bytes: &[u8]| {
		let mut word = [0u8; 8];
		word[..size].copy_from_slice(bytes);
		u64::from_le_bytes(word) as usize
	};
	Ok(tensor.bytes.chunks_exact(size).map(number).collect())
}

/// The index of the largest value of each row of `columns` values.
pub fn best_of_rows(tensor: &Tensor, columns: usize) -> Result<Vec<usize>> {
	let values = tensor.to_f32().context("the output is not float32")?;
	let best = |row: &[f32]| {
		let mut best = 0;
		for (i, value) in row.iter().enumerate() {
			if *value > row[best] {
				best = i;
			}
		}
		best
	};
	Ok(values.chunks_exact(columns).map(best).collect())
}

/// What Magika's `config.min.json` says of its input and its classes.
#[derive(Clone, Debug, Deserialize)]
pub struct MagikaConfig {
	beg_size: usize,
	end_size: usize,
	block_size: usize,
	padding_token: i32,
	min_file_size_for_dl: usize,
	/// The file types, in the order of the network's output.
	pub target_labels_space: Vec<String>,
}

impl MagikaConfig {
	/// Reads the file.
	pub fn load(path: &Path) -> Result<MagikaConfig> {
		let text = std::fs::read(path).with_context(|| path.display().to_string())?;
		Ok(serde_json::from_slice(&text)?)
	}

	/// The network's input for a file's content: its beginning and end, stripped of white space
	/// and padded; `None` for a file too short to be classified.
	pub fn features(&self, content: &[u8]) -> Option<Tensor> {
		let space = |byte: &&u8| matches!(**byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c);
		let block = self.block_size.min(content.len());
		let head = &content[..block];
		let head = &head[head.iter().take_while(space).count()..];
		let tail = &content[content.len() - block..];
		let tail = &tail[..tail.len() - tail.iter().rev().take_while(space).count()];
		let head = &head[..head.len().min(self.beg_size)];
		let tail = &tail[tail.len() - tail.len().min(self.end_size)..];
		if head.len() < self.min_file_size_for_dl {
			return None;
		}
		let mut row = vec![self.padding_token; self.beg_size + self.end_size];
		row.iter_mut().zip(head).for_each(|(to, from)| *to = i32::from(*from));
		let start = row.len() - tail.len();
		row[start..].iter_mut().zip(tail).for_each(|(to, from)| *to = i32::from(*from));
		Some(Tensor {
			name: "bytes".into(),
			dtype: DType::I32,
			shape: vec![1, row.len() as u32],
			bytes: row.iter().flat_map(|value| value.to_le_bytes()).collect(),
		})
	}

	/// The file type that an output stands for, and its score.
	pub fn label(&self, output: &Tensor) -> Result<(String, f32)> {
		let scores = output.to_f32().context("the output is not float32")?;
		let best = best_of_rows(output, scores.len().max(1))?;
		let best = *best.first().context("the output is empty")?;
		let name = self.target_labels_space.get(best).context("the output has too many classes")?;
		Ok((name.clone(), scores[best]))
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn config() -> MagikaConfig {
		MagikaConfig {
			beg_size: 4,
			end_size: 4,
			block_size: 8,
			padding_token: 256,
			min_file_size_for_dl: 2,
			target_labels_space: vec!["a".into(), "b".into()],
		}
	}

	#[test]
	fn features_are_the_stripped_ends_of_a_file() {
		let values = |content: &[u8]| {
			let tensor = config().features(content)?;
			let value = |c: &[u8]| i32::from_le_bytes([c[0], c[1], c[2], c[3]]);
			Some(tensor.bytes.chunks_exact(4).map(value).collect::<Vec<_>>())
		};
		let p = 256;
		assert_eq!(values(b" 12345678 "), Some(vec![49, 50, 51, 52, 53, 54, 55, 56]));
		assert_eq!(values(b"123"), Some(vec![49, 50, 51, p, p, 49, 50, 51]));
		assert_eq!(values(b" 1 "), Some(vec![49, 32, p, p, p, p, 32, 49]));
		assert_eq!(values(b"1"), None);
		assert_eq!(values(b""), None);
	}

	#[test]
	fn the_first_of_equal_scores_wins() {
		let output = Tensor::f32("y", &[2, 2], &[1.0, 1.0, 0.0, 3.0]);
		assert_eq!(best_of_rows(&output, 2).unwrap(), [0, 1]);
	}
}
