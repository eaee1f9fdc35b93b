//! Key repositories: directories with a file for each key. Keys that seal are named by their number: the highest is primary,
//! 0 is staged. Public keys have any name.

use crate::model::jws::PublicKey;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use fault::{Fault, Kind, Means};
use std::path::Path;

/// The keys in a directory, primary first.
pub fn repository(directory: &Path) -> Result<Vec<[u8; 32]>, Fault> {
    let shown = directory.display();
    let unreadable = || format!("The key repository {shown} cannot be read.");
    let mut keys = Vec::new();
    for entry in std::fs::read_dir(directory).means(Kind::BadInput, unreadable())? {
        let path = entry.means(Kind::BadInput, unreadable())?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let Ok(number) = name.parse::<u32>() else { continue };
        let text = std::fs::read_to_string(&path).means(Kind::BadInput, unreadable())?;
        let key = URL_SAFE.decode(text.trim()).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        keys.push((number, key.ok_or_else(|| Fault::bad_input(format!("{} is no key.", path.display())))?));
    }
    if keys.is_empty() {
        return Err(Fault::bad_input(format!("The key repository {shown} has no keys.")));
    }
    keys.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
    Ok(keys.into_iter().map(|(_, key)| key).collect())
}

/// The public keys in a directory.
pub fn public_keys(directory: &Path) -> Result<Vec<PublicKey>, Fault> {
    let shown = directory.display();
    let unreadable = || format!("The key repository {shown} cannot be read.");
    let mut keys = Vec::new();
    for entry in std::fs::read_dir(directory).means(Kind::BadInput, unreadable())? {
        let path = entry.means(Kind::BadInput, unreadable())?.path();
        let text = std::fs::read_to_string(&path).means(Kind::BadInput, unreadable())?;
        let key = PublicKey::of_pem(&text);
        keys.push(key.ok_or_else(|| {
            Fault::bad_input(format!("{} is no public key of the curve P-256 (ES256).", path.display()))
        })?);
    }
    if keys.is_empty() {
        return Err(Fault::bad_input(format!("The key repository {shown} has no keys.")));
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_in_the_order_of_their_numbers() {
        let dir = std::env::temp_dir().join(format!("drystone-keys-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        assert!(repository(&dir).is_err(), "it is empty");
        for (name, byte) in [("0", 0), ("10", 10), ("9", 9)] {
            std::fs::write(dir.join(name), URL_SAFE.encode([byte; 32]) + "\n").unwrap();
        }
        std::fs::write(dir.join("README"), "not a key").unwrap();
        assert_eq!(repository(&dir).unwrap(), [[10; 32], [9; 32], [0; 32]]);
        std::fs::write(dir.join("11"), "short").unwrap();
        assert!(repository(&dir).is_err());
        std::fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn public_keys_have_any_name() {
        let dir = std::env::temp_dir().join(format!("drystone-public-keys-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        assert!(public_keys(&dir).is_err(), "it is empty");
        let pem = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEiQlSr9hXlnW0LvtRuw9xFKUxQb/l\nXR4Lxescmd0Yu7jqpfRXxdyJTv4w2TlE1xw51Gq+GVEjg80MqUhryb3jzw==\n-----END PUBLIC KEY-----\n";
        std::fs::write(dir.join("public.pem"), pem).unwrap();
        assert_eq!(public_keys(&dir).unwrap().len(), 1);
        std::fs::write(dir.join("README"), "not a key").unwrap();
        assert!(public_keys(&dir).is_err());
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
