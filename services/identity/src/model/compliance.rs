//! Rules for passwords, as Keystone's settings of security compliance have them. Without any, every password is good and
//! lives for ever.

use crate::model::user::User;
use kernel::Micros;
use regex_lite::Regex;
use serde_json::Value;
use std::time::Duration;

/// The rules.
#[derive(Clone, Debug, Default)]
pub struct Compliance {
    /// After so many failed logins nobody gets in as the user, for a time.
    pub lockout: Option<Lockout>,
    /// How long a password lives.
    pub password_life: Option<Duration>,
    /// A new password is none of so many last ones.
    pub unique_passwords: usize,
    /// How old a password that its user chose must be before the user changes it again.
    pub minimum_age: Duration,
    /// What a password looks like.
    pub form: Option<PasswordForm>,
    /// A password that somebody else set must be changed before it is good for anything.
    pub change_upon_first_use: bool,
    /// Who was not active for so long is disabled.
    pub inactivity: Option<Duration>,
}

/// When nobody gets in any more.
#[derive(Clone, Copy, Debug)]
pub struct Lockout {
    /// After so many failures in a row.
    pub attempts: i64,
    /// For so long after the last one; `None` until an administrator enables the user.
    pub duration: Option<Duration>,
}

/// What a password looks like: expressions that all must match at its beginning.
#[derive(Clone, Debug)]
pub struct PasswordForm {
    all: Vec<Regex>,
    /// As it was written.
    pub expression: String,
    /// The same for people.
    pub description: String,
}

impl PasswordForm {
    /// Reads an expression of Python, in which conditions may come first: `^(?=.*\d)(?=.*[a-z]).{7,}$`. The error says
    /// what cannot be read.
    pub fn new(expression: &str, description: &str) -> Result<Self, String> {
        let mut rest = expression.strip_prefix('^').unwrap_or(expression);
        let mut all = Vec::new();
        let read = |part: &str| {
            Regex::new(&format!("^(?:{part})"))
                .map_err(|error| format!("{expression} cannot be read: {error}"))
        };
        while let Some(after) = rest.strip_prefix("(?=") {
            let end = closing(after)
                .ok_or_else(|| format!("{expression} cannot be read: a parenthesis stays open"))?;
            all.push(read(&after[..end])?);
            rest = &after[end + 1..];
        }
        all.push(read(rest)?);
        Ok(Self { all, expression: expression.to_owned(), description: description.to_owned() })
    }

    /// Whether a password looks like that.
    pub fn fits(&self, password: &str) -> bool {
        self.all.iter().all(|one| one.is_match(password))
    }
}

/// Where the parenthesis closes that was opened right before the text.
fn closing(text: &str) -> Option<usize> {
    let (mut depth, mut escaped, mut in_class) = (0, false, false);
    for (at, letter) in text.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' => in_class = true,
            ']' => in_class = false,
            '(' if !in_class => depth += 1,
            ')' if !in_class && depth == 0 => return Some(at),
            ')' if !in_class => depth -= 1,
            _ => {}
        }
    }
    None
}

fn is_set(user: &User, option: &str) -> bool {
    user.options.get(option) == Some(&Value::Bool(true))
}

impl Compliance {
    /// Whether nobody gets in as the user at this moment.
    pub fn locked(&self, user: &User, now: Micros) -> bool {
        let Some(lockout) = self.lockout else { return false };
        user.login.failures >= lockout.attempts
            && !is_set(user, "ignore_lockout_failure_attempts")
            && !self.forgotten(user, now)
    }

    /// Whether the failed logins are so long ago that they do not count any more.
    pub fn forgotten(&self, user: &User, now: Micros) -> bool {
        let duration = self.lockout.and_then(|lockout| lockout.duration);
        let Some((failed_at, duration)) = user.login.failed_at.zip(duration) else { return false };
        let full = self.lockout.is_some_and(|lockout| user.login.failures >= lockout.attempts);
        full && failed_at.plus(duration) <= now
    }

    /// Whether the user's password has ended.
    pub fn expired(&self, user: &User, now: Micros) -> bool {
        user.password_expires_at.is_some_and(|end| end <= now) && !is_set(user, "ignore_password_expiry")
    }

    /// When a password ends that is set now, by its user or by somebody else.
    pub fn expiry(&self, user: &User, own: bool, now: Micros) -> Option<Micros> {
        if !own && self.change_upon_first_use && !is_set(user, "ignore_change_password_upon_first_use") {
            return Some(now);
        }
        let life = self.password_life.filter(|_| !is_set(user, "ignore_password_expiry"));
        life.map(|life| now.plus(life).whole_seconds())
    }

    /// The user is active at this moment, as far as that is watched.
    pub fn active(&self, user: &mut User, now: Micros) {
        user.login.active_at = self.inactivity.map(|_| now);
        self.watch(user);
    }

    /// Sets until when the user stays enabled. Days count from midnight, as in Keystone.
    pub fn watch(&self, user: &mut User) {
        let span = self.inactivity.filter(|_| !is_set(user, "ignore_user_inactivity"));
        user.login.active_until = user.login.active_at.zip(span).map(|(at, span)| midnight(at).plus(span));
    }

    /// Whether it is to be written that the user is active at this moment: once a day is enough.
    pub fn notes(&self, user: &User, now: Micros) -> bool {
        self.inactivity.is_some() && user.login.active_at.map(midnight) != Some(midnight(now))
    }

    /// How many days the user has to wait before changing the password again.
    pub fn days_to_wait(&self, user: &User, now: Micros) -> Option<u64> {
        let made_at = user.login.password_made_at.filter(|_| user.login.password_own)?;
        let end = made_at.plus(self.minimum_age);
        (now < end).then(|| end.since(now).as_secs() / DAY)
    }
}

fn midnight(at: Micros) -> Micros {
    Micros(at.0 - at.0.rem_euclid(1_000_000 * DAY.cast_signed()))
}

/// Seconds of a day.
pub const DAY: u64 = 24 * 60 * 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_of_python_are_followed() {
        let form = PasswordForm::new(r"^(?=.*\d)(?=.*[a-z)(])(?=.*(x|y\)))\S{7,}$", "").unwrap();
        for (password, fits) in [
            ("abcdx12", true),
            ("abcdy)12", true),
            ("abcdex1", true),
            ("abcdefg1", false),
            ("12345x7 a", false),
            ("ax1", false),
        ] {
            assert_eq!(form.fits(password), fits, "{password}");
        }
        assert!(PasswordForm::new("a", "").unwrap().fits("ab"), "it is the beginning that must match");
        for bad in ["(?=a", "[", "(?<!a)b"] {
            assert!(PasswordForm::new(bad, "").is_err(), "{bad}");
        }
    }
}
