// Checks a package that `holdpoint sessions export` has written, with nothing of Holdpoint's: the format is that of
// docs/recording-format.md. Usage: go run . PACKAGE VKEY [EARLIER-CHECKPOINT]
package main

import (
	"bufio"
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type line struct {
	Index               *int64
	Header, Sealed, Key []byte
	Text                *string
	Base64              []byte
}

func fail(format string, args ...any) {
	fmt.Printf("WRONG: "+format+"\n", args...)
	os.Exit(1)
}

func must[T any](value T, err error) T {
	if err != nil {
		fail("%v", err)
	}
	return value
}

// checkpoint opens a signed note and gives the size and root of the tree it states.
func checkpoint(path string, verifier note.Verifier) (int64, tlog.Hash) {
	text := strings.TrimSpace(string(must(os.ReadFile(path)))) + "\n"
	signed := must(note.Open([]byte(text), note.VerifierList(verifier)))
	lines := strings.Split(signed.Text, "\n")
	if lines[0] != verifier.Name() {
		fail("%s is of another log", path)
	}
	var root tlog.Hash
	copy(root[:], must(base64.StdEncoding.DecodeString(lines[2])))
	return must(strconv.ParseInt(lines[1], 10, 64)), root
}

// entries reads the log's entry bundles (C2SP tlog-tiles): each entry behind its length in two bytes.
func entries(dir string, size int64) [][]byte {
	var all [][]byte
	for n := int64(0); n*256 < size; n++ {
		path := fmt.Sprintf("%03d", n%1000)
		for rest := n / 1000; rest > 0; rest /= 1000 {
			path = fmt.Sprintf("x%03d/%s", rest%1000, path)
		}
		if width := size - n*256; width < 256 {
			path += fmt.Sprintf(".p/%d", width)
		}
		bundle := must(os.ReadFile(filepath.Join(dir, "tile", "entries", path)))
		for len(bundle) > 0 {
			length := int(binary.BigEndian.Uint16(bundle))
			all = append(all, bundle[2:2+length])
			bundle = bundle[2+length:]
		}
	}
	if int64(len(all)) != size {
		fail("the checkpoint is of %d entries, the package has %d", size, len(all))
	}
	return all
}

// rootOf computes the root of the first `size` entries, as RFC 6962 says.
func rootOf(all [][]byte, size int64) tlog.Hash {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		found := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			found[i] = stored[index]
		}
		return found, nil
	})
	for n := int64(0); n < size; n++ {
		stored = append(stored, must(tlog.StoredHashes(n, all[n], reader))...)
	}
	return must(tlog.TreeHash(size, reader))
}

// payload opens a record with its own key and gives the bytes as they passed.
func payload(l line) []byte {
	gcm := must(cipher.NewGCM(must(aes.NewCipher(l.Key))))
	opened := must(gcm.Open(nil, make([]byte, 12), l.Sealed, l.Header[:116]))
	return opened[4+binary.BigEndian.Uint32(opened):]
}

func main() {
	dir := os.Args[1]
	vkey := strings.TrimSpace(os.Args[2])
	verifier := must(note.NewVerifier(vkey))
	size, root := checkpoint(filepath.Join(dir, "checkpoint"), verifier)
	all := entries(dir, size)
	if rootOf(all, size) != root {
		fail("the entries are not those that the checkpoint was signed over")
	}
	fmt.Printf("%d entries, signed by %s\n", size, verifier.Name())
	if len(os.Args) > 3 {
		earlier, was := checkpoint(os.Args[3], verifier)
		if earlier > size || rootOf(all, earlier) != was {
			fail("the log does not go on from the earlier checkpoint of %d entries", earlier)
		}
		fmt.Printf("the first %d entries are those of the earlier checkpoint\n", earlier)
	}

	// What the log says there is, by session, and which sessions it says were purged.
	inLog := map[string]int{}
	purged := map[string]bool{}
	public := must(base64.StdEncoding.DecodeString(strings.SplitN(vkey, "+", 3)[2]))[1:]
	for index, entry := range all {
		if string(entry[:4]) != "HPT1" {
			inLog[string(entry[24:56])]++
			continue
		}
		body := entry[:len(entry)-64]
		if !ed25519.Verify(public, append([]byte("holdpoint/tombstone/v1\n"), body...), entry[len(body):]) {
			fail("entry %d states a purge that the log did not sign", index)
		}
		purged[string(entry[4:36])] = true
	}

	inFiles := map[string]int{}
	records := 0
	for _, path := range must(filepath.Glob(filepath.Join(dir, "sessions", "*", "*.jsonl"))) {
		var previous []byte
		scanner := bufio.NewScanner(must(os.Open(path)))
		scanner.Buffer(nil, 1<<28)
		for seq := uint64(0); scanner.Scan(); seq++ {
			var l line
			if err := json.Unmarshal(scanner.Bytes(), &l); err != nil {
				fail("%s, line %d: %v", path, seq+1, err)
			}
			sum := sha256.Sum256(l.Sealed)
			chain := make([]byte, 32)
			if previous != nil {
				hash := tlog.RecordHash(previous)
				copy(chain, hash[:])
			}
			said := l.Base64
			if l.Text != nil {
				said = []byte(*l.Text)
			}
			switch {
			case l.Index != nil && !bytes.Equal(all[*l.Index], l.Header):
				fail("%s, record %d is not entry %d of the log", path, seq, *l.Index)
			case binary.BigEndian.Uint64(l.Header[56:]) != seq || !bytes.Equal(l.Header[148:], chain):
				fail("%s, record %d does not follow the one before it", path, seq)
			case previous != nil && binary.BigEndian.Uint64(l.Header[64:]) <= binary.BigEndian.Uint64(previous[64:]):
				fail("%s, record %d is dated before the one it follows", path, seq)
			case !bytes.Equal(sum[:], l.Header[116:148]):
				fail("%s, record %d has another payload than its header says", path, seq)
			case !bytes.Equal(payload(l), said):
				fail("%s, record %d says something else than was recorded", path, seq)
			}
			if l.Index != nil {
				inFiles[string(l.Header[24:56])]++
			}
			previous = l.Header
			records++
		}
	}
	left := 0
	for session, count := range inLog {
		if found := inFiles[session]; found != 0 && found != count && !purged[session] {
			fail("of session %x, %d records are in the log and %d in the package", session, count, found)
		} else if found == 0 && !purged[session] {
			left++
		}
	}
	fmt.Printf("%d records of %d sessions are as they were recorded\n", records, len(inFiles))
	fmt.Printf("%d sessions of the log were not exported, %d were purged and say so\n", left, len(purged))
}
