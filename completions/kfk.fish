complete --keep-order --exclusive --command kfk --arguments "(KFK_COMPLETE=fish kfk -- (commandline --current-process --tokenize --cut-at-cursor) (commandline --current-token))"
complete --keep-order --exclusive --command kafka-dump-log --arguments "(KFK_COMPLETE=fish kfk -- (commandline --current-process --tokenize --cut-at-cursor) (commandline --current-token))"
complete --keep-order --exclusive --command kafka-dump-log.sh --arguments "(KFK_COMPLETE=fish kfk -- (commandline --current-process --tokenize --cut-at-cursor) (commandline --current-token))"
