//go:build tools

package main

import _ "github.com/transparency-dev/tessera/cmd/fsck"
