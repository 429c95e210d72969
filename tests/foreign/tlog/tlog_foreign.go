// SPDX-License-Identifier: Apache-2.0

// Reads a log that kagibin audit exported with the Go project's own implementation of transparency logs: opens the signed
// checkpoint, authenticates every tile against it, and proves every entry.
//
//	tlog_foreign FOLDER
package main

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Println("FAILED:", err)
		os.Exit(1)
	}
	return value
}

func check(ok bool, sentence string, arguments ...any) {
	if !ok {
		fmt.Printf("FAILED: "+sentence+"\n", arguments...)
		os.Exit(1)
	}
}

// Zero-padded groups of three digits, all but the last behind an x.
func number(n int64) string {
	text := fmt.Sprintf("%03d", n%1000)
	for n >= 1000 {
		n /= 1000
		text = fmt.Sprintf("x%03d/%s", n%1000, text)
	}
	return text
}

func file(folder, kind string, n int64, width int) string {
	path := filepath.Join(folder, "tile", kind, number(n))
	if width < 256 {
		path += fmt.Sprintf(".p/%d", width)
	}
	return path
}

type tiles struct{ folder string }

func (t tiles) Height() int { return 8 }
func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var out [][]byte
	for _, tile := range wanted {
		octets, err := os.ReadFile(file(t.folder, strconv.Itoa(tile.L), tile.N, tile.W))
		if err != nil {
			return nil, err
		}
		out = append(out, octets)
	}
	return out, nil
}
func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func main() {
	folder := os.Args[1]
	key := strings.TrimSpace(string(must(os.ReadFile(filepath.Join(folder, "log.vkey")))))
	verifier := must(note.NewVerifier(key))
	opened := must(note.Open(must(os.ReadFile(filepath.Join(folder, "checkpoint"))), note.VerifierList(verifier)))
	lines := strings.Split(opened.Text, "\n")
	check(len(lines) == 4 && lines[0] == verifier.Name(), "not a checkpoint: %q", opened.Text)
	size := must(strconv.ParseInt(lines[1], 10, 64))
	var root tlog.Hash
	check(copy(root[:], must(base64.StdEncoding.DecodeString(lines[2]))) == 32, "not a root: %q", lines[2])
	tree := tlog.Tree{N: size, Hash: root}
	reader := tlog.TileHashReader(tree, tiles{folder})
	var hashes, earlier int64
	for n := int64(0); n*256 < size; n++ {
		width := int(min(size-n*256, 256))
		octets := must(os.ReadFile(file(folder, "entries", n, width)))
		for ; len(octets) > 0; hashes++ {
			length := int(binary.BigEndian.Uint16(octets))
			leaf := tlog.RecordHash(octets[2 : 2+length])
			octets = octets[2+length:]
			if hashes%97 == 0 || hashes == size-1 {
				proof := must(tlog.ProveRecord(size, hashes, reader))
				must(0, tlog.CheckRecord(proof, size, root, hashes, leaf))
			}
			stored := must(reader.ReadHashes([]int64{tlog.StoredHashIndex(0, hashes)}))
			check(stored[0] == leaf, "entry %d is not the one in its tile", hashes)
		}
	}
	check(hashes == size, "%d entries, not %d", hashes, size)
	for _, from := range []int64{1, 2, 255, 256, 257, size / 2, size - 1, size} {
		if from >= 1 && from <= size {
			old := must(tlog.TreeHash(from, reader))
			must(0, tlog.CheckTree(must(tlog.ProveTree(size, from, reader)), size, root, from, old))
			earlier++
		}
	}
	fmt.Printf("%d entries, signed by %s; %d earlier trees are prefixes\n", size, verifier.Name(), earlier)
}
