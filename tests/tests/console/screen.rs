//! The screens on which the console is looked at.

/// A width and a theme.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Screen {
    is_phone: bool,
    is_dark: bool,
}

impl Screen {
    /// What most tests look at.
    pub(crate) const DESK: Self = Self { is_phone: false, is_dark: false };

    /// Both widths in both themes.
    pub(crate) const ALL: [Self; 4] = [
        Self::DESK,
        Self { is_phone: false, is_dark: true },
        Self { is_phone: true, is_dark: false },
        Self { is_phone: true, is_dark: true },
    ];

    /// Width, height, and whether it is one of a phone.
    pub(crate) fn size(self) -> (u32, u32, bool) {
        if self.is_phone { (390, 844, true) } else { (1360, 900, false) }
    }

    /// What the system says of its colours.
    pub(crate) fn theme(self) -> &'static str {
        if self.is_dark { "dark" } else { "light" }
    }

    /// As a part of the name of a picture.
    pub(crate) fn name(self) -> String {
        format!("{}-{}", if self.is_phone { "phone" } else { "desk" }, self.theme())
    }
}
