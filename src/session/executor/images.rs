//! Before-images: what an object held, sealed for as long as its operation is open.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::ca::KeyStore;
use crate::error::{Error, ErrorId, Result};
use crate::model::hex;
use crate::servers::Image;
use crate::state::{Row, RowKey, State, Write};

#[derive(Serialize, Deserialize)]
struct Kept {
    secret: bool,
    mode: Option<u32>,
    owner: Option<(u32, u32)>,
    target: Option<String>,
    content: String,
}

impl Drop for Kept {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.content);
    }
}

/// Seals a before-image.
///
/// # Errors
/// `StoreLocked`.
pub(super) fn keep(keys: &dyn KeyStore, operation: u64, object: usize, image: &Image) -> Result<Write> {
    let kept = Kept {
        secret: image.secret,
        mode: image.mode,
        owner: image.owner,
        target: image.target.clone(),
        content: hex::upper(&image.content),
    };
    let key = RowKey::before_image(operation, &object.to_string());
    let text = Zeroizing::new(serde_json::to_vec(&kept).map_err(damaged)?);
    let sealed = keys.seal_bytes(&format!("before-image {operation}/{object}"), &text)?;
    Ok(Write::put(key, Row::BeforeImage(sealed)))
}

/// Opens a before-image; `None` for an object that was absent.
///
/// # Errors
/// `StoreLocked`, `StoreUnavailable`.
pub(super) fn recall(state: &dyn State, keys: &dyn KeyStore, operation: u64, object: usize) -> Result<Option<Image>> {
    let Some(Row::BeforeImage(sealed)) = state.row(&RowKey::before_image(operation, &object.to_string()))? else {
        return Ok(None);
    };
    let text = keys.open_bytes(&format!("before-image {operation}/{object}"), &sealed)?;
    let kept: Kept = serde_json::from_slice(&text).map_err(damaged)?;
    let content = hex::read(&kept.content)
        .ok_or_else(|| Error::new(ErrorId::StoreUnavailable, "a before-image in the state is damaged"))?;
    Ok(Some(Image {
        content: Zeroizing::new(content),
        secret: kept.secret,
        mode: kept.mode,
        owner: kept.owner,
        target: kept.target.clone(),
    }))
}

fn damaged(error: serde_json::Error) -> Error {
    Error::new(ErrorId::StoreUnavailable, "a before-image in the state is damaged").because(error)
}
