//! The tables of the encodings, tens of MB each: loaded on first use, freed when unused.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tiktoken_rs::{CoreBPE, cl100k_base, o200k_base};

pub(super) static O200K: Tables = Tables::loaded_by(o200k_base);
pub(super) static CL100K: Tables = Tables::loaded_by(cl100k_base);

type Load = fn() -> Result<CoreBPE, anyhow::Error>;

pub(super) struct Tables {
    load: Load,
    kept: Mutex<Option<Kept>>,
}

struct Kept {
    encoding: Arc<CoreBPE>,
    last_used: Instant,
}

impl Tables {
    const fn loaded_by(load: Load) -> Self {
        Self { load, kept: Mutex::new(None) }
    }

    pub(super) fn get(&self) -> Arc<CoreBPE> {
        let mut kept = self.kept();
        let encoding = kept.take().map_or_else(|| self.load(), |kept| kept.encoding);
        *kept = Some(Kept { encoding: encoding.clone(), last_used: Instant::now() });
        encoding
    }

    fn load(&self) -> Arc<CoreBPE> {
        Arc::new((self.load)().expect("the tables are part of the program"))
    }

    pub(super) fn release_unused(&self, unused_for: Duration) {
        self.kept().take_if(|kept| kept.last_used.elapsed() >= unused_for);
    }

    /// A poisoned lock is safe to use: the value is replaced in one step.
    fn kept(&self) -> MutexGuard<'_, Option<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
