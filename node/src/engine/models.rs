//! Models found on disk.
//!
//! A bundle that cannot be loaded may be in the middle of being copied, or the machine may be out of
//! something for a moment, while somebody's deadline runs: it is tried again after 3 s, 6 s and so on
//! up to a minute, and at once when its files have changed. Meanwhile the store still *has* the
//! model, so that what is owed is asked for again. Only after three failures in a row it has the model
//! no more until the next attempt is due, and never once the files are gone.

use super::LOG;
use assay_executor::{instantiations, Bundle, Options, Session};
use std::{
	collections::HashMap,
	path::{Path, PathBuf},
	sync::{Arc, Mutex, MutexGuard, PoisonError},
	time::{Duration, Instant, SystemTime},
};

/// Name of a model, as on chain.
pub(super) type ModelId = [u8; 32];

/// Shortest time between two looks at the folder when a model is asked for that is not there.
const RESCAN: Duration = Duration::from_secs(3);

/// The same when somebody wants to know what is there.
const RESCAN_ALL: Duration = Duration::from_secs(12);

/// How long a bundle that failed to load is not tried again, at first; twice as long each time.
const RETRY: Duration = Duration::from_secs(3);

/// The longest of these times.
const MAX_RETRY: Duration = Duration::from_secs(60);

/// After so many failures in a row a model does not count as there.
const MAX_FAILURES: u32 = 3;

/// Shortest time between two looks at the files of a broken bundle.
const LOOK: Duration = Duration::from_secs(1);

/// Most models kept ready to run.
const MAX_LOADED: usize = 16;

/// The models in a folder: those of every direct subfolder that is a bundle.
pub(super) struct ModelStore {
	dir: PathBuf,
	state: Mutex<State>,
	/// Loading happens under this lock and not the other: it may take seconds.
	loading: Mutex<()>,
}

#[derive(Default)]
struct State {
	scanned: Option<Instant>,
	found: HashMap<ModelId, PathBuf>,
	/// Ready sessions, the most recently used last.
	loaded: Vec<(ModelId, Arc<Session>)>,
	broken: HashMap<ModelId, Broken>,
}

/// A bundle that failed to load.
struct Broken {
	/// How often in a row.
	failures: u32,
	/// When it may be tried again.
	retry: Instant,
	/// Its files when it failed, and when they were last looked at.
	files: Files,
	looked: Instant,
	reason: String,
}

/// What tells that files have changed: name, length and time of each.
type Files = Vec<(PathBuf, u64, Option<SystemTime>)>;

impl Broken {
	/// How long to wait after so many failures.
	fn patience(failures: u32) -> Duration {
		RETRY.saturating_mul(1 << failures.saturating_sub(1).min(10)).min(MAX_RETRY)
	}

	/// Whether it is to be left alone now.
	fn rests(&mut self, path: &Path, now: Instant) -> bool {
		if now >= self.retry {
			return false;
		}
		if now.saturating_duration_since(self.looked) >= LOOK {
			self.looked = now;
			if files(path) != self.files {
				// Another bundle, for all we know.
				self.failures = 0;
				self.retry = now;
				return false;
			}
		}
		true
	}
}

impl ModelStore {
	/// A store over `dir`, which is made if it is missing.
	pub(super) fn open(dir: PathBuf) -> std::io::Result<Self> {
		std::fs::create_dir_all(&dir)?;
		let store = Self { dir, state: Mutex::new(State::default()), loading: Mutex::new(()) };
		store.rescan();
		Ok(store)
	}

	/// How many models are known.
	pub(super) fn len(&self) -> usize {
		self.lock().found.len()
	}

	/// Whether `model` can be run. Looks at the folder again, now and then, for a model it does
	/// not know; loads nothing.
	pub(super) fn has(&self, model: &ModelId) -> bool {
		let Some(path) = self.find(model) else { return false };
		usable(&mut self.lock(), model, &path, Instant::now())
	}

	/// The models that can be run, in ascending order.
	pub(super) fn all(&self) -> Vec<ModelId> {
		self.rescan_after(RESCAN_ALL);
		let mut state = self.lock();
		let now = Instant::now();
		let found = state.found.iter().map(|(id, path)| (*id, path.clone())).collect::<Vec<_>>();
		let usable = found.into_iter().filter(|(id, path)| usable(&mut state, id, path, now));
		let mut all = usable.map(|(id, _)| id).collect::<Vec<_>>();
		all.sort_unstable();
		all
	}

	/// The model ready to run; loads and verifies it if needed, which may take seconds.
	///
	/// # Errors
	/// Says why there is no such model, or why it could not be loaded just now.
	pub(super) fn session(&self, model: &ModelId) -> Result<Arc<Session>, String> {
		if let Some(session) = self.ready(model) {
			return Ok(session);
		}
		let _one_at_a_time = self.loading.lock().unwrap_or_else(PoisonError::into_inner);
		if let Some(session) = self.ready(model) {
			return Ok(session);
		}
		let path =
			self.find(model).ok_or_else(|| format!("no model {} here", hex::encode(model)))?;
		if let Some(broken) = self.lock().broken.get_mut(model) {
			if broken.rests(&path, Instant::now()) {
				return Err(broken.reason.clone());
			}
		}
		let before = files(&path);
		match load(&path, model) {
			Ok(session) => {
				let mut state = self.lock();
				if state.loaded.len() >= MAX_LOADED {
					state.loaded.remove(0);
				}
				state.broken.remove(model);
				state.loaded.push((*model, session.clone()));
				Ok(session)
			},
			Err(reason) => {
				let mut state = self.lock();
				let failures = state.broken.get(model).map_or(0, |broken| broken.failures) + 1;
				let patience = Broken::patience(failures);
				log::warn!(
					target: LOG,
					"Model in {} is not usable, trying again in {patience:?} or when its files \
					 change: {reason}",
					path.display(),
				);
				let now = Instant::now();
				let broken = Broken {
					failures,
					retry: now + patience,
					files: before,
					looked: now,
					reason: reason.clone(),
				};
				state.broken.insert(*model, broken);
				drop(state);
				// Perhaps it is gone, or somewhere else.
				self.rescan();
				Err(reason)
			},
		}
	}

	fn lock(&self) -> MutexGuard<'_, State> {
		self.state.lock().unwrap_or_else(PoisonError::into_inner)
	}

	/// The session, if it is loaded; becomes the most recently used.
	fn ready(&self, model: &ModelId) -> Option<Arc<Session>> {
		let mut state = self.lock();
		let position = state.loaded.iter().position(|(id, _)| id == model)?;
		let entry = state.loaded.remove(position);
		let session = entry.1.clone();
		state.loaded.push(entry);
		Some(session)
	}

	/// Where a model is; looks at the folder again if it is not known.
	fn find(&self, model: &ModelId) -> Option<PathBuf> {
		let known = |state: &State| state.found.get(model).cloned();
		// Not in the condition: its lock would be held.
		let found = known(&self.lock());
		found.or_else(|| {
			self.rescan_after(RESCAN);
			known(&self.lock())
		})
	}

	/// Looks at the folder again if that was long ago.
	fn rescan_after(&self, age: Duration) {
		let due = self.lock().scanned.is_none_or(|scanned| scanned.elapsed() >= age);
		if due {
			self.rescan();
		}
	}

	/// Looks at the folder again, without holding up anybody meanwhile.
	fn rescan(&self) {
		self.lock().scanned = Some(Instant::now());
		let entries = match std::fs::read_dir(&self.dir) {
			Ok(entries) => entries,
			Err(error) => {
				log::warn!(target: LOG, "Cannot read {}: {error}", self.dir.display());
				return;
			},
		};
		let found = entries
			.filter_map(|entry| entry.ok().map(|entry| entry.path()))
			// A bundle that is still being written has a hidden name.
			.filter(|path| !hidden(path))
			.flat_map(|path| models(&path))
			.collect::<HashMap<_, _>>();
		let mut state = self.lock();
		for (id, path) in &found {
			if !state.found.contains_key(id) {
				log::info!(target: LOG, "📦 Model {} in {}", hex::encode(id), path.display());
			}
		}
		state.loaded.retain(|(id, _)| found.contains_key(id));
		state.broken.retain(|id, _| found.contains_key(id));
		state.found = found;
	}
}

/// Whether a model that was found may be asked for: not while it rests after several failures.
fn usable(state: &mut State, model: &ModelId, path: &Path, now: Instant) -> bool {
	state
		.broken
		.get_mut(model)
		.is_none_or(|broken| broken.failures < MAX_FAILURES || !broken.rests(path, now))
}

/// The files of a bundle, those that it shares with others included.
fn files(path: &Path) -> Files {
	let folders = [path.to_owned(), path.join("..").join("weights")];
	let entries = folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten();
	let mut files = entries
		.filter_map(|entry| {
			let entry = entry.ok()?;
			let metadata = entry.metadata().ok()?;
			let changed = metadata.modified().ok();
			metadata.is_file().then(|| (entry.path(), metadata.len(), changed))
		})
		.collect::<Files>();
	files.sort_unstable();
	files
}

fn hidden(path: &Path) -> bool {
	path.file_name().is_none_or(|name| name.to_string_lossy().starts_with('.'))
}

/// The models in a folder, if it is a bundle, each with the folder to load it from.
fn models(dir: &Path) -> Vec<(ModelId, PathBuf)> {
	if !dir.join("manifest.json").is_file() {
		return Vec::new();
	}
	let found = instantiations(dir)
		.inspect_err(|error| log::warn!(target: LOG, "{} is unreadable: {error}", dir.display()));
	let found = found.unwrap_or_default().into_iter();
	found.map(|one| (one.manifest.model_id, one.dir)).collect()
}

fn load(path: &Path, model: &ModelId) -> Result<Arc<Session>, String> {
	let bundle = Bundle::load(path).map_err(|error| error.to_string())?;
	if bundle.model_id() != *model {
		return Err("the folder now holds another model".into());
	}
	// One thread for one run: several runs share the engine's threads.
	let options = Options { threads: 1, ..Options::default() };
	let session = Session::new(Arc::new(bundle), options);
	Ok(Arc::new(session))
}

#[cfg(test)]
mod tests {
	use super::*;

	fn broken(path: &Path, failures: u32, now: Instant) -> Broken {
		let retry = now + Broken::patience(failures);
		let files = files(path);
		Broken { failures, retry, files, looked: now, reason: "why".into() }
	}

	#[test]
	fn patience_doubles_up_to_a_minute() {
		let seconds = (1..9).map(|failures| Broken::patience(failures).as_secs());
		assert_eq!(seconds.collect::<Vec<_>>(), [3, 6, 12, 24, 48, 60, 60, 60]);
		assert_eq!(Broken::patience(u32::MAX), MAX_RETRY);
	}

	#[test]
	fn a_model_is_given_up_after_three_failures_until_the_next_attempt() {
		let dir = tempfile::tempdir().expect("a folder");
		let (path, now, model) = (dir.path(), Instant::now(), [1; 32]);
		for failures in 1..6 {
			let mut state = State::default();
			state.broken.insert(model, broken(path, failures, now));
			let expected = failures < MAX_FAILURES;
			assert_eq!(usable(&mut state, &model, path, now), expected, "{failures}");
			let due = now + Broken::patience(failures);
			assert!(usable(&mut state, &model, path, due));
		}
	}

	#[test]
	fn changed_files_are_tried_at_once() {
		let dir = tempfile::tempdir().expect("a folder");
		let path = dir.path().join("model");
		std::fs::create_dir(&path).expect("it is writable");
		let now = Instant::now();
		let mut it = broken(&path, 5, now);
		let shared = dir.path().join("weights");
		std::fs::create_dir(&shared).expect("it is writable");
		std::fs::write(shared.join("some.bin"), [1]).expect("it is writable");
		// Files are looked at once in a while.
		assert!(it.rests(&path, now));
		assert!(!it.rests(&path, now + LOOK));
		assert_eq!(it.failures, 0);
		assert!(!it.rests(&path, now + LOOK));
	}
}
