"""From files people wrote or imported to validated tables; no model lives here."""
