package origin

// Scheme returns the scheme, "" for the zero value.
func (o Origin) Scheme() string { return o.scheme.String() }

// Port returns the written port, or the scheme's default; 0 for an app shell.
func (o Origin) Port() uint16 { return o.port }
