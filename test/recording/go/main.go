// Verifies a Holdpoint recording with code that is not Holdpoint's: the signed note with x/mod/sumdb/note, the
// inclusion proof with transparency-dev/merkle.
//
// Usage: verify VKEY CHECKPOINT [PROOF ENTRY]
package main

import (
	"encoding/base64"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	verifier, err := note.NewVerifier(args[0])
	if err != nil {
		return err
	}
	size, root, err := checkpoint(args[1], verifier)
	if err != nil {
		return err
	}
	fmt.Printf("checkpoint of %d entries\n", size)
	if len(args) < 4 {
		return nil
	}
	text, err := os.ReadFile(args[2])
	if err != nil {
		return err
	}
	entry, err := os.ReadFile(args[3])
	if err != nil {
		return err
	}
	head, _, _ := strings.Cut(string(text), "\n\n")
	lines := strings.Split(head, "\n")
	index, err := strconv.ParseUint(strings.TrimPrefix(lines[1], "index "), 10, 64)
	if err != nil {
		return err
	}
	var hashes [][]byte
	for _, line := range lines[2:] {
		hash, err := base64.StdEncoding.DecodeString(line)
		if err != nil {
			return err
		}
		hashes = append(hashes, hash)
	}
	leaf := rfc6962.DefaultHasher.HashLeaf(entry)
	if err := proof.VerifyInclusion(rfc6962.DefaultHasher, index, size, leaf, hashes, root); err != nil {
		return err
	}
	fmt.Printf("entry %d is included\n", index)
	return nil
}

func checkpoint(path string, verifier note.Verifier) (uint64, []byte, error) {
	signed, err := os.ReadFile(path)
	if err != nil {
		return 0, nil, err
	}
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return 0, nil, err
	}
	lines := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseUint(lines[1], 10, 64)
	if err != nil {
		return 0, nil, err
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	return size, root, err
}
